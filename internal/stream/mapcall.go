// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"tracer/internal/bpf"
	"tracer/internal/event"
)

// decodeMap decodes an operation on a map. Key and value are not copied.
func decodeMap(m *bpf.Map, to *event.MapCall) {
	*to = event.MapCall{
		Operation: event.MapOperation(m.Operation + 1),
		ID:        m.Id,
		Name:      m.Name,
		Type:      event.MapType(m.Type),
		KeySize:   m.KeySize,
		ValueSize: m.ValueSize,
		Found:     m.Found != 0,
		Key:       m.Key[:min(int(m.KeyRead), len(m.Key))],
		Value:     m.Value[:min(int(m.ValueRead), len(m.Value))],
	}
}
