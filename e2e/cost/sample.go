// SPDX-License-Identifier: Apache-2.0

package cost

// Sample is the result of one measurement.
type Sample struct {
	Backend string `json:"backend"`
	// Measure is the measured quantity, Subject the program that was measured.
	Measure string `json:"measure"`
	Subject string `json:"subject"`
	// Filter is the subject's packet filter.
	Filter string  `json:"filter"`
	Round  int     `json:"round"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
}

// The subjects: no program, empty programs on the same functions, tracer, and pwru.
const (
	Nothing = "nothing"
	Floor   = "floor"
	Tracer  = "tracer"
	Pwru    = "pwru"
)

// Drops is the subject tracer --drop that looks for the causes of these families; "all" and "none" are those of
// --why.
func Drops(families string) string { return Tracer + " --drop --why " + families }

// AsJSON is the suffix of the names of measures if the subject writes JSON.
const AsJSON = ", JSON"

// The filters. Only Everything matches the load.
const (
	ByProtocol = "icmp"
	ByAddress  = "host 203.0.113.1"
	ByPort     = "tcp and port 80"
	Everything = "udp and net 127.0.0.0/8"
)
