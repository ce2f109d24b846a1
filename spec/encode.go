// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// AppendString appends s as a JSON string, as encoding/json does with
// SetEscapeHTML(false): bytes that are not UTF-8 become \ufffd, and the two line
// separators that JavaScript breaks lines at are escaped.
func AppendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0 // of what is yet to be copied
	for i := 0; i < len(s); {
		c, size := rune(s[i]), 1
		if c >= utf8.RuneSelf {
			c, size = utf8.DecodeRuneInString(s[i:])
		}
		escape := ""
		switch {
		case c == '"', c == '\\':
			escape = string(c)
		case c == '\b':
			escape = "b"
		case c == '\f':
			escape = "f"
		case c == '\n':
			escape = "n"
		case c == '\r':
			escape = "r"
		case c == '\t':
			escape = "t"
		case c < ' ':
			escape = "u00" + hex[c>>4:c>>4+1] + hex[c&15:c&15+1]
		case c == '\u2028', c == '\u2029':
			escape = "u202" + hex[c&15:c&15+1]
		case c == utf8.RuneError && size == 1:
			escape = "ufffd"
		}
		if escape != "" {
			dst = append(dst, s[start:i]...)
			dst = append(dst, '\\')
			dst = append(dst, escape...)
			start = i + size
		}
		i += size
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// AppendState appends the state that hooks read on their standard input, in one
// line and in the order of the specification's type: ociVersion, id, status, pid
// if it is not 0, bundle, and annotations, if there are any, by key.
func AppendState(dst []byte, s *specs.State) []byte {
	dst = append(dst, `{"ociVersion":`...)
	dst = AppendString(dst, s.Version)
	dst = append(dst, `,"id":`...)
	dst = AppendString(dst, s.ID)
	dst = append(dst, `,"status":`...)
	dst = AppendString(dst, string(s.Status))
	if s.Pid != 0 {
		dst = append(dst, `,"pid":`...)
		dst = strconv.AppendInt(dst, int64(s.Pid), 10)
	}
	dst = append(dst, `,"bundle":`...)
	dst = AppendString(dst, s.Bundle)
	if len(s.Annotations) > 0 {
		dst = append(dst, `,"annotations":`...)
		dst = AppendStringMap(dst, s.Annotations)
	}
	return append(dst, '}')
}

// AppendStringMap appends m as a JSON object, sorted by key.
func AppendStringMap(dst []byte, m map[string]string) []byte {
	dst = append(dst, '{')
	for i, key := range slices.Sorted(maps.Keys(m)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendString(dst, key)
		dst = append(dst, ':')
		dst = AppendString(dst, m[key])
	}
	return append(dst, '}')
}
