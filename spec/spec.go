// SPDX-License-Identifier: Apache-2.0

// Package spec reads and checks config.json: bytes in, runtime-spec's own types
// out, or an *Error that names the line, the place and what is wanted there.
//
// Decode and Validate are pure: what they say hangs on nothing but their
// argument, never on the host. A Spec that passed both may still be refused by
// this kernel, but not because it is malformed.
//
// Reading follows encoding/json, as every other runtime written in Go does,
// with one difference: names must match to the letter, as the specification
// has it, where encoding/json also takes "OCIVERSION". So:
//
//   - unknown names are ignored, and so are the subtrees of other platforms
//     (windows, solaris, vm, zos, freebsd, and single fields such as
//     process.commandLine): they need only be well-formed;
//   - null leaves a scalar or a struct as it is, and clears a list, map or
//     pointer;
//   - of a repeated name the last counts; objects and maps merge with what the
//     first one said, a list starts anew;
//   - bytes that are not UTF-8, and escaped halves of a surrogate pair, become
//     U+FFFD;
//   - numbers are whole: 1.0 and 1e3 are not.
package spec

import (
	"errors"
	"io/fs"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

//go:generate go run ../internal/cmd/gendecode

// Load reads the file of that name in the bundle directory ("" is the current
// one) and decodes it. raw is the text as it was read. Mistakes in it name the
// file as given, without the bundle.
func Load(bundle, file string) (config *specs.Spec, raw []byte, err error) {
	path := file
	if bundle != "" {
		path = bundle + "/" + file // not cleaned: a/../b may go through a symlink
	}
	raw, err = readFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, &Error{Msg: "JSON specification file " + file + " not found", Err: fs.ErrNotExist}
	}
	if err != nil {
		return nil, nil, err
	}
	config, err = Decode(file, raw)
	return config, raw, err
}

// LoadProcess reads a process.json to its end and decodes it. The file may be a
// FIFO: `exec --process <(...)` is a common way to call.
func LoadProcess(path string) (*specs.Process, error) {
	raw, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return DecodeProcess(path, raw)
}

// Decode reads the text of a config.json. It does not keep raw. Every error is
// an *Error, in which file is the name to show.
func Decode(file string, raw []byte) (*specs.Spec, error) {
	return decode(file, raw, decodeSpec)
}

// DecodeProcess is Decode for what stands under "process" in a config.json.
func DecodeProcess(file string, raw []byte) (*specs.Process, error) {
	return decode(file, raw, decodeProcess)
}

// DecodeResources is Decode for what stands under "linux.resources" in a
// config.json, as `update --resources` takes it.
func DecodeResources(file string, raw []byte) (*specs.LinuxResources, error) {
	return decode(file, raw, decodeLinuxResources)
}
