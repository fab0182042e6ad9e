// SPDX-License-Identifier: Apache-2.0

// Package doctor says what this kernel, and this user on it, allow tracer to do, what is
// missing, what that costs and how to get it. [Find] looks at the machine; [Diagnose] makes a
// report of what was found, which is pure data.
package doctor

import "errors"

// State is how well something is.
type State string

const (
	// OK: all of it can be had.
	OK State = "ok"
	// Limited: tracing goes without it, with the loss that Cost tells.
	Limited State = "limited"
	// Missing: without it nothing can be traced.
	Missing State = "missing"
)

// Check is what came of one question.
type Check struct {
	// Group is what it belongs to, Name tells it from the others of its group.
	Group string `json:"group"`
	Name  string `json:"check"`
	State State  `json:"state"`
	// Found is what is there, or why it is not.
	Found string `json:"found"`
	// Cost is what is lost, Remedy how to get it; both are empty where all is well.
	Cost   string `json:"cost,omitempty"`
	Remedy string `json:"remedy,omitempty"`
}

// Report is the checks in their order; the last one is the verdict.
type Report []Check

// ErrCannotTrace says that no backend runs.
var ErrCannotTrace = errors.New("nothing can be traced here")

// Verdict is nil where tracer can trace here by any backend.
func (r Report) Verdict() error {
	if len(r) == 0 || r[len(r)-1].State == Missing {
		return ErrCannotTrace
	}
	return nil
}

// outcome is a Check without its names.
type outcome struct {
	state               State
	found, cost, remedy string
}

func fine(found string) outcome { return outcome{state: OK, found: found} }

// Diagnose asks every question of what was found.
func Diagnose(f *Findings) Report {
	report := Report{}
	for _, q := range questions() {
		o := q.ask(f)
		report = append(report, Check{q.group, q.name, o.state, o.found, o.cost, o.remedy})
	}
	return report
}
