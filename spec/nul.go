// SPDX-License-Identifier: Apache-2.0

package spec

import "strings"

// nulScan looks for a NUL byte in every string of a configuration. Strings end
// as C strings in system calls: what follows a NUL would be cut off unseen. The
// functions of nul_gen.go go through each struct and stop at the first find.
type nulScan struct {
	place place // of the find; it grows from the inside out
}

// within puts the find below where the caller stands.
func (s *nulScan) within(outer place) bool {
	if s.place != "" && s.place[0] != '[' {
		outer += "."
	}
	s.place = outer + s.place
	return true
}

// err is the find as an error below the place root, or nil.
func (s *nulScan) err(root place, found bool) error {
	if !found {
		return nil
	}
	if root != "" {
		s.within(root)
	}
	return s.place.errorf("has a NUL byte, want none")
}

func nulString[T ~string](_ *nulScan, v *T) bool {
	return strings.IndexByte(string(*v), 0) >= 0
}

func nulMember[T any](s *nulScan, name place, v *T, scan func(*nulScan, *T) bool) bool {
	return v != nil && scan(s, v) && s.within(name)
}

func nulElements[T any](s *nulScan, name place, list []T, scan func(*nulScan, *T) bool) bool {
	for i := range list {
		if scan(s, &list[i]) {
			return s.within(name.index(i))
		}
	}
	return false
}

// nulEntries also looks at the keys; scan is nil if the values have no strings.
func nulEntries[T any](s *nulScan, name place, m map[string]T, scan func(*nulScan, *T) bool) bool {
	if len(m) == 0 {
		return false
	}
	var value T // one for all, as it escapes
	for key := range m {
		value = m[key]
		if strings.IndexByte(key, 0) >= 0 || scan != nil && scan(s, &value) {
			return s.within(name.key(key))
		}
	}
	return false
}
