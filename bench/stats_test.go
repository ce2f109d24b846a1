// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"
)

func TestSummarize(t *testing.T) {
	for _, test := range []struct {
		series []time.Duration
		want   summary
	}{
		{nil, summary{}},
		{[]time.Duration{7}, summary{1, 7, 7, 7, 7}},
		{[]time.Duration{4, 1, 3, 2, 5}, summary{5, 1, 2, 3, 4}},
		{[]time.Duration{40, 10, 30, 20}, summary{4, 10, 17, 25, 32}},
	} {
		if got := summarize(test.series); got != test.want {
			t.Errorf("summarize(%v) = %v, want %v", test.series, got, test.want)
		}
	}
}

func TestRatio(t *testing.T) {
	if got := (summary{median: 30}).ratio(summary{median: 20}); got != 1.5 {
		t.Errorf("ratio = %v, want 1.5", got)
	}
	if got := (summary{median: 30}).ratio(summary{}); got != 0 {
		t.Errorf("ratio to nothing = %v, want 0", got)
	}
}
