// SPDX-License-Identifier: Apache-2.0

// Package doctor reports what this kernel and this user's privileges allow tracer to do, what is missing, what
// that costs and how to fix it. [Find] examines the machine; [Diagnose] makes a report from the findings, which
// are pure data.
package doctor

import "errors"

// State is the outcome of a check.
type State string

const (
	// OK means that the feature is fully available.
	OK State = "ok"
	// Limited means that tracing works without the feature, with the loss that Cost describes.
	Limited State = "limited"
	// Missing means that nothing can be traced without the feature.
	Missing State = "missing"
)

// Check is one row of the report.
type Check struct {
	// Group is the section of the report. Name is unique in the report.
	Group string `json:"group"`
	Name  string `json:"check"`
	State State  `json:"state"`
	// Found is what was found, or why it is missing.
	Found string `json:"found"`
	// Cost is what is lost, and Remedy is how to fix it; both are empty if State is OK.
	Cost   string `json:"cost,omitempty"`
	Remedy string `json:"remedy,omitempty"`
}

// Report has the checks in their order; the last one is the verdict.
type Report []Check

// ErrCannotTrace means that no backend works.
var ErrCannotTrace = errors.New("nothing can be traced here")

// Verdict returns nil if tracer can trace with at least one backend.
func (r Report) Verdict() error {
	if len(r) == 0 || r[len(r)-1].State == Missing {
		return ErrCannotTrace
	}
	return nil
}

// outcome is a [Check] without group and name.
type outcome struct {
	state               State
	found, cost, remedy string
}

func fine(found string) outcome { return outcome{state: OK, found: found} }

// Diagnose makes a report from the findings.
func Diagnose(f *Findings) Report {
	report := Report{}
	for _, q := range questions() {
		o := q.ask(f)
		report = append(report, Check{q.group, q.name, o.state, o.found, o.cost, o.remedy})
	}
	return report
}
