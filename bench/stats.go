// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"time"
)

// summary is what is told of a series: medians, since a busy machine only ever adds time.
type summary struct {
	n                     int
	least, q1, median, q3 time.Duration
}

func summarize(series []time.Duration) summary {
	if len(series) == 0 {
		return summary{}
	}
	s := slices.Sorted(slices.Values(series))
	return summary{len(s), s[0], quantile(s, 1, 4), quantile(s, 1, 2), quantile(s, 3, 4)}
}

// quantile is the num/den quantile of a sorted series, interpolated between neighbours.
func quantile(sorted []time.Duration, num, den int) time.Duration {
	at := (len(sorted) - 1) * num
	i, rest := at/den, at%den
	if rest == 0 {
		return sorted[i]
	}
	step := sorted[i+1] - sorted[i]
	return sorted[i] + step*time.Duration(rest)/time.Duration(den)
}

// ratio compares medians.
func (s summary) ratio(base summary) float64 {
	if base.median == 0 {
		return 0
	}
	return float64(s.median) / float64(base.median)
}
