// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"unsafe"

	"tracer/internal/bpf"
	"tracer/internal/event"
)

// decodeBytes decodes the part with the first bytes of the packet. It returns nil if none could be read.
func decodeBytes(raw []byte, to *event.Bytes) *event.Bytes {
	const header = int(unsafe.Sizeof(bpf.Packet{}))
	if len(raw) < header {
		return nil
	}
	p := (*bpf.Packet)(unsafe.Pointer(&raw[0]))
	if p.Size == 0 || int(p.Size) > len(raw)-header {
		return nil
	}
	*to = event.Bytes{Type: p.Type, Len: p.Len, Data: raw[header : header+int(p.Size)], TagType: p.TagType, Tag: p.Tag}
	return to
}
