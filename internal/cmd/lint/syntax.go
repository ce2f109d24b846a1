// SPDX-License-Identifier: Apache-2.0

package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strconv"
	"strings"
)

// isProduct tells whether a file goes into the binary or the library: only there does what runs
// before main cost every start.
func isProduct(name string) bool {
	if strings.HasSuffix(name, "_test.go") {
		return false
	}
	dir := path.Dir(name)
	return dir == "." || dir == "spec" || dir == "libcontainer" || strings.HasPrefix(dir, "libcontainer/")
}

// checkSyntax holds the rules that one file's syntax shows.
func checkSyntax(name string, text []byte) ([]fault, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	c := &syntax{set: set, name: name}
	if isProduct(name) {
		if "/"+path.Dir(name) != beforeMain {
			c.beforeMain(file)
		}
		c.errorTexts(file)
	}
	c.imports(file)
	return c.faults, nil
}

type syntax struct {
	set    *token.FileSet
	name   string
	faults []fault
}

func (c *syntax) fault(at token.Pos, msg string) {
	c.faults = append(c.faults, fault{c.name, c.set.Position(at).Line, msg})
}

// beforeMain finds what makes the linker write an init function. What it misses, checkBinary
// finds, but cannot point at.
func (c *syntax) beforeMain(file *ast.File) {
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "init" {
				c.fault(d.Pos(), "func init costs every start, of every command")
			}
		case *ast.GenDecl:
			if d.Tok == token.VAR {
				c.variables(d)
			}
		}
	}
}

func (c *syntax) variables(d *ast.GenDecl) {
	for _, s := range d.Specs {
		for _, value := range s.(*ast.ValueSpec).Values {
			ast.Inspect(value, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncLit:
					return false
				case *ast.CompositeLit:
					if _, ok := n.Type.(*ast.MapType); ok {
						c.fault(n.Pos(), "a map at package level is filled at every start: use a switch or a sorted array")
					}
				case *ast.CallExpr:
					if !isStatic(n.Fun) {
						c.fault(n.Pos(), "a call at package level runs at every start")
					}
				}
				return true
			})
		}
	}
}

// isStatic: errors.New is inlined into static data, and conversions are no calls.
func isStatic(fun ast.Expr) bool {
	switch f := fun.(type) {
	case *ast.SelectorExpr:
		x, ok := f.X.(*ast.Ident)
		return ok && (x.Name == "errors" && f.Sel.Name == "New" || x.Name == "unsafe")
	case *ast.Ident:
		return slices.Contains([]string{
			"len", "cap", "string", "int", "int8", "int16", "int32", "int64", "byte", "rune",
			"uint", "uint8", "uint16", "uint32", "uint64", "uintptr",
		}, f.Name)
	case *ast.ArrayType, *ast.ParenExpr, *ast.StarExpr:
		return true
	}
	return false
}

// errorTexts: an error is a noun phrase with the failing call in it, as style has it.
func (c *syntax) errorTexts(file *ast.File) {
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		f, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := f.X.(*ast.Ident)
		if !ok || x.Name+"."+f.Sel.Name != "errors.New" && x.Name+"."+f.Sel.Name != "fmt.Errorf" {
			return true
		}
		lit, ok := call.Args[0].(*ast.BasicLit)
		if !ok {
			return true
		}
		text, err := strconv.Unquote(lit.Value)
		if err != nil {
			return true
		}
		for _, word := range [...]string{"failed to", "unable to", "error"} {
			if strings.HasPrefix(strings.ToLower(text), word) {
				c.fault(lit.Pos(), strconv.Quote(word)+" says nothing: begin with what was done, and to what")
			}
		}
		return true
	})
}

// imports: one package knows the command line, so that any program can link the library.
func (c *syntax) imports(file *ast.File) {
	for _, i := range file.Imports {
		if strings.HasPrefix(i.Path.Value, `"github.com/urfave/cli/`) && path.Dir(c.name) != "." {
			c.fault(i.Pos(), "only the main package imports the command line library")
		}
	}
}
