// SPDX-License-Identifier: Apache-2.0

package event

import "strconv"

// MapCall is a call of a map operation by a BPF program.
type MapCall struct {
	// Operation is NoMapOperation if the event is not a map operation.
	Operation MapOperation `cbor:"1,keyasint,omitzero"`
	// ID and Name identify the map. Name has at most 15 bytes, and is NUL-terminated.
	ID   uint32   `cbor:"2,keyasint,omitzero"`
	Name [16]byte `cbor:"3,keyasint,omitzero"`
	Type MapType  `cbor:"4,keyasint,omitzero"`
	// KeySize and ValueSize are the sizes that the map declares, in bytes.
	KeySize   uint32 `cbor:"5,keyasint,omitzero"`
	ValueSize uint32 `cbor:"6,keyasint,omitzero"`
	// Found means that there is a value: the one that a look-up found, or the new one of an update.
	Found bool `cbor:"7,keyasint,omitzero"`
	// Key and Value are the bytes that could be read, truncated to the space in a record.
	Key   []byte `cbor:"8,keyasint,omitzero"`
	Value []byte `cbor:"9,keyasint,omitzero"`
}

// MapOperation is an operation on a map: enum map_operation in bpf/core/event.h, plus 1.
type MapOperation uint8

// NoMapOperation is an event that is not a map operation.
const NoMapOperation MapOperation = 0

// String returns the operation as bpftool spells it.
func (o MapOperation) String() string {
	switch o {
	case MapLookup:
		return "lookup"
	case MapUpdate:
		return "update"
	case MapDelete:
		return "delete"
	}
	return "unknown"
}

// MapType is the kernel's enum bpf_map_type.
type MapType uint32

var mapTypes = [...]string{
	"unspec", "hash", "array", "prog_array", "perf_event_array", "percpu_hash", "percpu_array", "stack_trace", "cgroup_array",
	"lru_hash", "lru_percpu_hash", "lpm_trie", "array_of_maps", "hash_of_maps", "devmap", "sockmap", "cpumap", "xskmap", "sockhash",
	"cgroup_storage", "reuseport_sockarray", "percpu_cgroup_storage", "queue", "stack", "sk_storage", "devmap_hash", "struct_ops",
	"ringbuf", "inode_storage", "task_storage", "bloom_filter", "user_ringbuf", "cgrp_storage", "arena", "insn_array",
}

// String returns the name of the type as bpftool spells it, or its number.
func (t MapType) String() string {
	if int(t) < len(mapTypes) {
		return mapTypes[t]
	}
	return strconv.FormatUint(uint64(t), 10)
}
