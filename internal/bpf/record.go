// SPDX-License-Identifier: Apache-2.0

package bpf

// The record in the ring buffer and the counters, as bpf/event.h and bpf/maps.h
// lay them out: a Core, then a Meta where Core.Parts has PartMeta, and so on in the
// order of the bits. The copies of kernel objects are as long as Config says; the
// stack is the rest of the record.
type (
	Core     = tracerRecordCore
	Meta     = tracerRecordMeta
	Tuple    = tracerRecordTuple
	Tunnel   = tracerRecordTunnel
	CB       = tracerRecordCb
	Counters = tracerCounters
)

// What Core.Kind tells.
const (
	KindFunction   = uint8(tracerRecordKindRECORD_FUNCTION)
	KindTracepoint = uint8(tracerRecordKindRECORD_TRACEPOINT)
)

// The bits of Core.Parts.
const (
	PartMeta   = uint32(tracerRecordPartPART_META)
	PartTuple  = uint32(tracerRecordPartPART_TUPLE)
	PartDrop   = uint32(tracerRecordPartPART_DROP)
	PartReason = uint32(tracerRecordPartPART_REASON)
	PartTunnel = uint32(tracerRecordPartPART_TUNNEL)
	PartCB     = uint32(tracerRecordPartPART_CB)
	PartSkb    = uint32(tracerRecordPartPART_SKB)
	PartShared = uint32(tracerRecordPartPART_SHARED)
	PartValues = uint32(tracerRecordPartPART_VALUES)
	PartStack  = uint32(tracerRecordPartPART_STACK)
)

// The bits of Tuple.Has.
const (
	HasPorts     = uint8(tracerTupleHasTUPLE_PORTS)
	HasFragment  = uint8(tracerTupleHasTUPLE_FRAGMENT)
	HasEcho      = uint8(tracerTupleHasTUPLE_ECHO)
	HasVLAN      = uint8(tracerTupleHasTUPLE_VLAN)
	HasInnerVLAN = uint8(tracerTupleHasTUPLE_INNER_VLAN)
	HasTCP       = uint8(tracerTupleHasTUPLE_TCP)
)

// The settings that the programs are loaded with (bpf/config.h).
type (
	Config      = tracerConfig
	NamePattern = tracerNamePattern
)

// What the lists in Config hold at most.
const (
	MostEntries = len(Config{}.NetnsIn)
	MostReasons = len(Config{}.ReasonsIn)
	MostPorts   = len(Config{}.VxlanPorts)
)

// What the copies of kernel objects may take, in bytes; multiples of 8.
const (
	MostSkb    = int(tracerRecordLimitMOST_SKB)
	MostShared = int(tracerRecordLimitMOST_SHARED)
	MostValues = int(tracerRecordLimitMOST_VALUES)
)
