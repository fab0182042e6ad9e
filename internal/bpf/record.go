// SPDX-License-Identifier: Apache-2.0

package bpf

// The record in the ring buffer and the counters, as bpf/event.h and bpf/maps.h
// lay them out: a Core, then a Meta where Core.Parts has PartMeta, then a Tuple
// where it has PartTuple.
type (
	Core     = tracerRecordCore
	Meta     = tracerRecordMeta
	Tuple    = tracerRecordTuple
	Counters = tracerCounters
)

// What Core.Kind tells.
const (
	KindFunction   = uint8(tracerRecordKindRECORD_FUNCTION)
	KindTracepoint = uint8(tracerRecordKindRECORD_TRACEPOINT)
)

// The bits of Core.Parts.
const (
	PartMeta   = uint8(tracerRecordPartPART_META)
	PartTuple  = uint8(tracerRecordPartPART_TUPLE)
	PartDrop   = uint8(tracerRecordPartPART_DROP)
	PartReason = uint8(tracerRecordPartPART_REASON)
)

// The bits of Tuple.Has.
const (
	HasPorts    = uint8(tracerTupleHasTUPLE_PORTS)
	HasFragment = uint8(tracerTupleHasTUPLE_FRAGMENT)
	HasEcho     = uint8(tracerTupleHasTUPLE_ECHO)
	HasVLAN     = uint8(tracerTupleHasTUPLE_VLAN)
)

// Config is the settings that the programs are loaded with (bpf/config.h).
type Config = tracerConfig
