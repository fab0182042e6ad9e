// SPDX-License-Identifier: Apache-2.0

package cost

// Sample is one thing that was measured, once.
type Sample struct {
	Backend string `json:"backend"`
	// Measure is what was measured and Subject who.
	Measure string `json:"measure"`
	Subject string `json:"subject"`
	// Filter is the packet filter that the subject had.
	Filter string  `json:"filter"`
	Round  int     `json:"round"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
}

// The subjects.
const (
	Nothing = "nothing"
	Floor   = "floor"
	Tracer  = "tracer"
	Pwru    = "pwru"
)

// AsJSON ends the measures of a subject that writes JSON.
const AsJSON = ", JSON"

// The filters, of which none matches the load but Everything.
const (
	ByProtocol = "icmp"
	ByAddress  = "host 203.0.113.1"
	ByPort     = "tcp and port 80"
	Everything = "udp and net 127.0.0.0/8"
)
