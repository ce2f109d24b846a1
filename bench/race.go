// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// runner is one of those that are compared; round does the thing once and says how long it took.
type runner struct {
	name  string
	round func() (time.Duration, error)
}

// race is a comparison: what each runner needs for the same thing.
type race struct {
	what    string
	runners []runner // the first is the base of the ratios
	budgets budgets
}

// budgets are upper bounds of tare's ratio to the base; 0 is none.
type budgets struct{ design, issue float64 }

// outcome is a race that was run.
type outcome struct {
	race
	results []summary // parallel to runners
}

func (o *outcome) result(name string) (summary, bool) {
	for i, r := range o.runners {
		if r.name == name {
			return o.results[i], true
		}
	}
	return summary{}, false
}

const warmUp = 5

// rounds interleaves the runners, in a new order each time, so that what the machine does
// meanwhile meets them all alike.
func (r race) rounds(ctx context.Context, n int) (outcome, error) {
	series := make([][]time.Duration, len(r.runners))
	for round := range warmUp + n {
		for _, i := range rand.Perm(len(r.runners)) {
			if err := ctx.Err(); err != nil {
				return outcome{}, err
			}
			took, err := r.runners[i].round()
			if err != nil {
				return outcome{}, fmt.Errorf("%s, %s: %w", r.what, r.runners[i].name, err)
			}
			if round >= warmUp {
				series[i] = append(series[i], took)
			}
		}
	}
	o := outcome{race: r}
	for _, s := range series {
		o.results = append(o.results, summarize(s))
	}
	return o, nil
}
