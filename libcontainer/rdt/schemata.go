// SPDX-License-Identifier: Apache-2.0

package rdt

import (
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// line is one line of a schemata file: a resource and its settings, "L3:0=7f0;1=1f".
type line struct {
	place string // in config.json
	rank  int    // of its field: what has a higher one is written later
	text  string
}

// setting is what a line says about one domain, "0=7f0".
type setting struct {
	text          string
	domain, value string // in the form in which they compare
}

// requested are the lines that config.json asks for, in the order that the specification wants
// them written: l3CacheSchema, memBwSchema, schemata.
func requested(c *specs.LinuxIntelRdt) []line {
	var lines []line
	if c.L3CacheSchema != "" {
		// One that holds several lines is old: the specification now has schemata for that.
		for s := range strings.SplitSeq(c.L3CacheSchema, "\n") {
			lines = append(lines, line{where + ".l3CacheSchema", 0, s})
		}
	}
	if c.MemBwSchema != "" {
		lines = append(lines, line{where + ".memBwSchema", 1, c.MemBwSchema})
	}
	for i, s := range c.Schemata {
		lines = append(lines, line{where + ".schemata[" + strconv.Itoa(i) + "]", 2, s})
	}
	return lines
}

// merge leaves out what a later field overrides, so that one write does what one a field would:
// within a write the kernel refuses a domain that is set twice ("Duplicate domain"). All else
// stays as it is, for the kernel to judge.
func merge(lines []line) []line {
	var merged []line
	for _, l := range lines {
		resource, settings, ok := parse(l.text)
		if !ok {
			merged = append(merged, l)
			continue
		}
		var kept []string
		for _, s := range settings {
			overridden := false
			for _, later := range lines {
				if later.rank > l.rank && later.sets(resource, s.domain) {
					overridden = true
				}
			}
			if !overridden {
				kept = append(kept, s.text)
			}
		}
		switch len(kept) {
		case 0:
			continue
		case len(settings):
		default:
			l.text = resource + ":" + strings.Join(kept, ";")
		}
		merged = append(merged, l)
	}
	return merged
}

func (l line) sets(resource, domain string) bool {
	r, settings, ok := parse(l.text)
	if !ok || r != resource {
		return false
	}
	for _, s := range settings {
		if s.domain == domain {
			return true
		}
	}
	return false
}

// parse takes a line apart; ok is false if it is none.
func parse(text string) (resource string, settings []setting, ok bool) {
	resource, rest, ok := strings.Cut(text, ":")
	if !ok {
		return "", nil, false
	}
	resource = strings.TrimSpace(resource)
	for part := range strings.SplitSeq(strings.TrimSuffix(rest, ";"), ";") {
		domain, value, ok := strings.Cut(part, "=")
		if !ok {
			return "", nil, false
		}
		settings = append(settings, setting{part, number(domain), canonical(resource, value)})
	}
	return resource, settings, true
}

// decimal tells bandwidths from the masks of caches, which are hexadecimal.
func decimal(resource string) bool { return resource == "MB" || resource == "SMBA" }

func canonical(resource, value string) string {
	value = strings.ToLower(strings.TrimSpace(value))
	if !decimal(resource) {
		value = strings.TrimPrefix(value, "0x")
	}
	return number(value)
}

// number drops spaces and leading zeros.
func number(s string) string {
	s = strings.TrimSpace(s)
	if t := strings.TrimLeft(s, "0"); t != "" || s == "" {
		return t
	}
	return "0"
}

// difference finds the first line of want that is not what the schemata file says, and the file's
// line for that resource, "" if it has none. Domains that want does not name do not count. step
// is what bandwidths of a resource are rounded up to, or 0.
func difference(want []line, file string, step func(resource string) uint64) (l line, have string, differ bool) {
	for _, l := range want {
		resource, settings, ok := parse(l.text)
		var has []setting
		have := ""
		for s := range strings.SplitSeq(file, "\n") {
			if r, all, ok := parse(s); ok && r == resource {
				have, has = strings.TrimSpace(s), all
			}
		}
		if !ok || have == "" {
			return l, have, true
		}
		for _, s := range settings {
			if !contains(has, resource, s, step) {
				return l, have, true
			}
		}
	}
	return line{}, "", false
}

// contains also takes a bandwidth that the kernel has rounded up to its next step.
func contains(has []setting, resource string, want setting, step func(string) uint64) bool {
	for _, h := range has {
		if h.domain != want.domain {
			continue
		}
		if h.value == want.value {
			return true
		}
		if !decimal(resource) {
			return false
		}
		n, err := strconv.ParseUint(want.value, 10, 32)
		by := step(resource)
		return err == nil && by > 0 && h.value == strconv.FormatUint((n+by-1)/by*by, 10)
	}
	return false
}

// text is what is written, without the newline at its end.
func text(lines []line) string {
	var b strings.Builder
	for i, l := range lines {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(l.text)
	}
	return b.String()
}

// common is the place of all the lines.
func common(lines []line) string {
	place := lines[0].place
	for _, l := range lines[1:] {
		switch {
		case l.rank != lines[0].rank:
			return where
		case l.place != place:
			place = where + ".schemata"
		}
	}
	return place
}
