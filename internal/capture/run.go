// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"tracer/internal/journey"
)

// Version is the version of the format. A reader rejects files with a higher one. It is raised only if readers of the
// previous version would misread a file; new members and options do not raise it.
const Version = 1

// Run describes the run that was recorded, and the place of a file in a set of rotated ones.
type Run struct {
	// Version is that of the format.
	Version uint32 `cbor:"1,keyasint,omitzero"`
	// Tracer is the version of tracer, Host the name of the machine, Kernel its release, Machine the architecture.
	Tracer  string `cbor:"2,keyasint,omitzero"`
	Host    string `cbor:"3,keyasint,omitzero"`
	Kernel  string `cbor:"4,keyasint,omitzero"`
	Machine string `cbor:"5,keyasint,omitzero"`
	// Command are the arguments of the command, without the program's name.
	Command []string `cbor:"6,keyasint,omitzero"`
	// Start is when the run began, in nanoseconds since the Unix epoch, and Monotonic the same by CLOCK_MONOTONIC.
	Start     int64  `cbor:"7,keyasint,omitzero"`
	Monotonic uint64 `cbor:"8,keyasint,omitzero"`
	// Scope says which events end a packet.
	Scope Scope `cbor:"10,keyasint,omitzero"`
	// Snaplen is the number of bytes that were recorded of each packet; 0 means its headers.
	Snaplen uint32 `cbor:"11,keyasint,omitzero"`
	// File is the number of this file in the set, from 0. Events is the number of events in the files before it,
	// and Lost the number of events that loss markers in them count.
	File   uint64 `cbor:"12,keyasint,omitzero"`
	Events uint64 `cbor:"13,keyasint,omitzero"`
	Lost   uint64 `cbor:"14,keyasint,omitzero"`
	// Drops means that only drops were traced.
	Drops bool `cbor:"15,keyasint,omitzero"`
}

// Scope is the stored form of a [journey.Scope].
type Scope struct {
	EndsAtFunction   bool `cbor:"1,keyasint,omitzero"`
	EndsAtTracepoint bool `cbor:"2,keyasint,omitzero"`
	EveryEnd         bool `cbor:"3,keyasint,omitzero"`
	Returns          bool `cbor:"4,keyasint,omitzero"`
}

// Journey returns the scope.
func (s Scope) Journey() journey.Scope { return journey.Scope(s) }

// ScopeOf returns the stored form of a scope.
func ScopeOf(s journey.Scope) Scope { return Scope(s) }

var (
	runEncoding = mustMode(cbor.EncOptions{String: cbor.StringToByteString}.EncMode())
	runDecoding = mustMode(cbor.DecOptions{ByteStringToString: cbor.ByteStringToStringAllowed}.DecMode())
)

// mustMode panics on an error, which is only possible if the constant options exclude each other.
func mustMode[T any](mode T, err error) T {
	if err != nil {
		panic(err)
	}
	return mode
}

func decodeRun(data []byte) (*Run, error) {
	r := new(Run)
	if err := runDecoding.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("description of the run: %w", err)
	}
	if r.Version > Version {
		return nil, fmt.Errorf("format version %d: this tracer reads versions up to %d", r.Version, Version)
	}
	return r, nil
}
