// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends the program as one JSON object. It says what the text form says, with
// arguments and slots in the words of that form, and each instruction with its note.
func (p *Program) AppendJSON(dst []byte) []byte {
	pr := newPrinter(p)
	dst = append(dst, `{"inputs":[`...)
	for i := range p.Inputs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(append(dst, `{"name":`...), p.Inputs[i].Name)
		if p.Inputs[i].Keep {
			dst = append(dst, `,"keep":true`...)
		}
		dst = append(dst, '}')
	}
	dst = append(dst, `],"instructions":[`...)
	for i := range p.Instructions {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = pr.json(dst, i)
	}
	return append(dst, "]}"...)
}

func (pr *printer) json(dst []byte, i int) []byte {
	in := &pr.p.Instructions[i]
	dst = strconv.AppendInt(append(dst, `{"index":`...), int64(i), 10)
	dst = appendNote(append(dst, `,"note":`...), pr.p.note(in))
	// The text names the result before the arguments.
	var result []byte
	if in.Out != 0 {
		result = pr.slot(nil, uint64(in.Out))
	}
	dst = appendString(append(dst, `,"call":`...), in.Call.String())
	dst = append(dst, `,"args":[`...)
	var arg []byte
	for k, param := range in.Call.Signature().Params {
		if param == None {
			break
		}
		if k > 0 {
			dst = append(dst, ',')
		}
		arg = pr.arg(arg[:0], in, k)
		dst = appendString(dst, string(arg))
	}
	dst = append(dst, ']')
	if in.Out != 0 {
		dst = appendString(append(dst, `,"result":`...), string(result))
	}
	if in.OnError != 0 || in.Errno != 0 {
		dst = append(dst, `,"onError":{`...)
		if in.Errno != 0 {
			dst = appendString(append(dst, `"errno":`...), string(appendErrno(nil, in.Errno)))
			dst = append(dst, ',')
		}
		dst = append(strconv.AppendInt(append(dst, `"to":`...), int64(in.OnError), 10), '}')
	}
	if in.OnSuccess != 0 {
		dst = strconv.AppendInt(append(dst, `,"onSuccess":`...), int64(in.OnSuccess), 10)
	}
	if in.ZeroFails {
		dst = append(dst, `,"zeroFails":true`...)
	}
	if in.Remember {
		dst = append(dst, `,"remember":true`...)
	}
	return append(dst, '}')
}

func appendNote(dst []byte, n *Note) []byte {
	dst = appendString(append(dst, `{"where":`...), n.Where)
	if n.Index != -1 {
		dst = strconv.AppendInt(append(dst, `,"index":`...), int64(n.Index), 10)
	}
	for _, m := range [...]struct{ name, value string }{{`,"key":`, n.Key}, {`,"object":`, n.Object}, {`,"hint":`, n.Hint}} {
		if m.value != "" {
			dst = appendString(append(dst, m.name...), m.value)
		}
	}
	return append(dst, '}')
}

// appendString appends a JSON string. A byte that is no UTF-8 becomes the four characters \xNN,
// as the text form writes it.
func appendString(dst []byte, s string) []byte {
	const digits = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(dst, '\\', '\\', 'x', digits[c>>4], digits[c&15])
			} else {
				dst = append(dst, s[i:i+n]...)
			}
			i += n
			continue
		}
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < ' ' || c == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			dst = append(dst, c)
		}
		i++
	}
	return append(dst, '"')
}
