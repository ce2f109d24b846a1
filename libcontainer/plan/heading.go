// SPDX-License-Identifier: Apache-2.0

package plan

import "strconv"

// note is what in is for; the zero Note if it has none.
func (p *Program) note(in *Instruction) *Note {
	if in.Note <= 0 || in.Note >= len(p.Notes) {
		return &Note{}
	}
	return &p.Notes[in.Note]
}

func appendHeading(dst []byte, n *Note) []byte {
	if *n == (Note{}) {
		return append(dst, "-\n"...)
	}
	dst = appendWord(dst, n.Where, isPlace)
	if n.Index != -1 {
		dst = append(strconv.AppendInt(append(dst, '['), int64(n.Index), 10), ']')
	}
	if n.Key != "" {
		dst = append(dst, '.')
		if n.Index == -1 {
			// Where has dots of its own.
			dst = strconv.AppendQuote(dst, n.Key)
		} else {
			dst = appendWord(dst, n.Key, isPlace)
		}
	}
	if n.Object != "" {
		dst = appendWord(append(dst, ' '), n.Object, isPlain)
	}
	dst = append(dst, '\n')
	if n.Hint == "" {
		return dst
	}
	dst = append(dst, "# hint: "...)
	if plainHint(n.Hint) {
		dst = append(dst, n.Hint...)
	} else {
		dst = strconv.AppendQuote(dst, n.Hint)
	}
	return append(dst, '\n')
}

// appendWord appends s as it is if all its bytes are of that kind, else quoted, as are the words
// that mean something of their own at the beginning of a line.
func appendWord(dst []byte, s string, kind func(byte) bool) []byte {
	plain := s != "" && s != "-" && s != "input"
	for i := 0; i < len(s); i++ {
		plain = plain && kind(s[i])
	}
	if plain {
		return append(dst, s...)
	}
	return strconv.AppendQuote(dst, s)
}

// isPlace holds for the bytes of places in config.json and of flags.
func isPlace(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_'
}

// isPlain holds for those of common paths as well.
func isPlain(c byte) bool {
	return isPlace(c) || c == '/' || c == ':' || c == '=' || c == ',' || c == '+' || c == '@' || c == '%' || c == '~'
}

// plainHint tells whether a hint reads back as it is: one line of ASCII.
func plainHint(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s[0] != '"' && s[0] != ' ' && s[len(s)-1] != ' '
}

// appendInput appends the descriptor in the form <name>.
func appendInput(dst []byte, in *Input) []byte {
	return append(appendWord(append(dst, '<'), in.Name, isPlain), '>')
}
