// SPDX-License-Identifier: Apache-2.0

package spec

import (
	"fmt"
	"strconv"
	"strings"
)

// Range is the numbers from First to Last, both included.
type Range struct{ First, Last int }

// maxRange is far above the CPUs (8192) and nodes (1024) that Linux can have,
// and keeps a list from asking for a mask of gigabytes.
const maxRange = 1<<16 - 1

// ParseRanges reads a list of CPUs or memory nodes such as "0-3,7". Spaces and
// empty elements are passed over, as runc does; an empty list is none at all.
func ParseRanges(list string) ([]Range, error) {
	var all []Range
	for element := range strings.SplitSeq(list, ",") {
		element = strings.TrimSpace(element)
		if element == "" {
			continue
		}
		first, last, isRange := strings.Cut(element, "-")
		if !isRange {
			last = first
		}
		from, err1 := strconv.ParseUint(first, 10, 64)
		to, err2 := strconv.ParseUint(last, 10, 64)
		if err1 != nil || err2 != nil || from > to || to > maxRange {
			return nil, fmt.Errorf("want a list such as 0-3,7, with numbers up to %d, got %q", maxRange, element)
		}
		all = append(all, Range{int(from), int(to)})
	}
	return all, nil
}
