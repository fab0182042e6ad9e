// SPDX-License-Identifier: Apache-2.0

package column

import (
	"encoding/hex"

	"tracer/internal/event"
	"tracer/internal/printable"
)

func bpfMapColumns() []Column {
	return []Column{{
		Name: "bpfmap", Header: "BPFMAP", Key: "bpf_map", Type: Object, Width: 40, Screen: asked(24, 40),
		Help:  "operation of a BPF program on a map (--output-bpfmap)",
		Group: BPFMap, Text: bpfMapText, JSON: bpfMapJSON,
	}}
}

// fewBytes is how many bytes of a key or value are shown in text. JSON has all that were recorded.
const fewBytes = 32

// bpfMapText appends one word like lookup:flows#12(hash),key=591b0000,value=0100000000000000, or
// with not_found in place of a value.
func bpfMapText(dst []byte, e *event.Event) []byte {
	m := e.Map
	if m == nil || m.Operation == event.NoMapOperation {
		return append(dst, '-')
	}
	dst = append(append(dst, m.Operation.String()...), ':')
	dst = printable.AppendWord(dst, string(event.CString(m.Name[:])))
	dst = appendUint(append(dst, '#'), uint64(m.ID))
	dst = append(append(append(dst, '('), m.Type.String()...), ')')
	dst = appendFewBytes(append(dst, ",key="...), m.Key, m.KeySize)
	switch {
	case m.Found:
		return appendFewBytes(append(dst, ",value="...), m.Value, m.ValueSize)
	case m.Operation == event.MapLookup:
		return append(dst, ",not_found"...)
	}
	return dst
}

// appendFewBytes appends the first bytes in hexadecimal, with the total size if there are more, or
// a ? if the bytes could not be read.
func appendFewBytes(dst, b []byte, size uint32) []byte {
	if len(b) == 0 && size > 0 {
		return append(dst, '?')
	}
	dst = hex.AppendEncode(dst, b[:min(len(b), fewBytes)])
	if size > fewBytes {
		dst = append(appendUint(append(dst, "..("...), uint64(size)), ')')
	}
	return dst
}

func bpfMapJSON(dst []byte, e *event.Event) []byte {
	m := e.Map
	if m == nil || m.Operation == event.NoMapOperation {
		return appendNull(dst)
	}
	dst = appendJSONString(append(dst, `{"operation":`...), m.Operation.String())
	dst = appendMember(dst, "id", uint64(m.ID))
	dst = appendJSONString(appendKey(dst, "name"), string(event.CString(m.Name[:])))
	dst = appendJSONString(appendKey(dst, "map_type"), m.Type.String())
	dst = appendMember(dst, "key_size", uint64(m.KeySize))
	dst = appendMember(dst, "value_size", uint64(m.ValueSize))
	dst = appendBytes(dst, "key", m.Key, m.KeySize)
	dst = appendFound(appendKey(dst, "found"), m)
	if m.Found {
		dst = appendBytes(dst, "value", m.Value, m.ValueSize)
	} else {
		dst = append(dst, `,"value":null,"value_truncated":false`...)
	}
	return append(dst, '}')
}

// appendFound appends whether a look-up found something; null for other operations.
func appendFound(dst []byte, m *event.MapCall) []byte {
	switch {
	case m.Operation != event.MapLookup:
		return appendNull(dst)
	case m.Found:
		return append(dst, "true"...)
	}
	return append(dst, "false"...)
}

// appendBytes appends two members: key, a string of hexadecimal digits or null if the bytes could
// not be read, and key_truncated.
func appendBytes(dst []byte, key string, b []byte, size uint32) []byte {
	dst = appendKey(dst, key)
	truncated := len(b) > 0 && len(b) < int(size)
	if len(b) == 0 && size > 0 {
		dst = appendNull(dst)
	} else {
		dst = append(hex.AppendEncode(append(dst, '"'), b), '"')
	}
	dst = appendKey(dst, key+"_truncated")
	if truncated {
		return append(dst, "true"...)
	}
	return append(dst, "false"...)
}
