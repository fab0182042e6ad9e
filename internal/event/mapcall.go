// SPDX-License-Identifier: Apache-2.0

package event

import "strconv"

// MapCall is what a BPF program did with a map.
type MapCall struct {
	// Operation is NoMapOperation where nothing was done with a map.
	Operation MapOperation `cbor:"1,keyasint,omitzero"`
	// ID and Name are the map's: a name is at most 15 bytes, and NUL-terminated.
	ID   uint32   `cbor:"2,keyasint,omitzero"`
	Name [16]byte `cbor:"3,keyasint,omitzero"`
	Type MapType  `cbor:"4,keyasint,omitzero"`
	// KeySize and ValueSize are the map's, in bytes.
	KeySize   uint32 `cbor:"5,keyasint,omitzero"`
	ValueSize uint32 `cbor:"6,keyasint,omitzero"`
	// Found says that there is a value: one that was looked up and is there, or the new one
	// of an update.
	Found bool `cbor:"7,keyasint,omitzero"`
	// Key and Value are as much as could be read and a record has room for.
	Key   []byte `cbor:"8,keyasint,omitzero"`
	Value []byte `cbor:"9,keyasint,omitzero"`
}

// MapOperation is what was done; the kernel's side counts from 0.
type MapOperation uint8

// NoMapOperation is the value of events that have nothing to do with a map.
const NoMapOperation MapOperation = 0

// String is the operation as bpftool has it.
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

// String is the type's name as bpftool has it, or its number.
func (t MapType) String() string {
	if int(t) < len(mapTypes) {
		return mapTypes[t]
	}
	return strconv.FormatUint(uint64(t), 10)
}
