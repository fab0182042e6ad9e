// SPDX-License-Identifier: Apache-2.0

package column

import (
	"bytes"

	"tracer/internal/event"
)

func tunnelColumns(o Options) []Column {
	return []Column{{
		Name: "tunnel", Header: "TUNNEL", Key: "tunnel", Type: Object, Width: 64,
		Screen: Screen{Cut: cutTunnel, Steps: asked(24, 64).Steps},
		Help:   "inner packet of a tunnel, - (JSON: null) for none (--output-tunnel)",
		Of:     OfTunnel, Group: Tunnel, Text: formOf(o).tunnelText, JSON: tunnelJSON,
	}}
}

// tunnelText appends one word like vxlan(id=42):TUPLE.
func (f tupleForm) tunnelText(dst []byte, e *event.Event) []byte {
	if e.Tunnel == nil || e.Tunnel.Kind == event.NoTunnel {
		return append(dst, '-')
	}
	dst = append(dst, e.Tunnel.Kind.String()...)
	if e.Tunnel.HasID {
		dst = append(appendUint(append(dst, "(id="...), uint64(e.Tunnel.ID)), ')')
	}
	return f.appendTuple(append(dst, ':'), &e.Tunnel.Tuple)
}

func tunnelJSON(dst []byte, e *event.Event) []byte {
	if e.Tunnel == nil || e.Tunnel.Kind == event.NoTunnel {
		return appendNull(dst)
	}
	dst = appendJSONString(append(dst, `{"type":`...), e.Tunnel.Kind.String())
	dst = appendTunnelID(appendKey(dst, "id"), e.Tunnel)
	dst = appendTupleObject(appendKey(dst, "tuple"), &e.Tunnel.Tuple)
	return append(dst, '}')
}

func appendTunnelID(dst []byte, t *event.Tunnel) []byte {
	if !t.HasID {
		return appendNull(dst)
	}
	return appendUint(dst, uint64(t.ID))
}

// cutTunnel shortens the inner tuple, which follows the kind and the id.
func cutTunnel(dst []byte, start, width int) []byte {
	inner := tupleOf(dst[start:])
	if width-inner < narrowTuple {
		return cutEnd(dst, start, width)
	}
	return cutTuple(dst, start+inner, width-inner)
}

// tupleOf returns the index of the tuple in the text of a tunnel.
func tupleOf(text []byte) int {
	if i := bytes.Index(text, []byte("):")); i >= 0 && bytes.HasPrefix(text[bytes.IndexByte(text, '('):], []byte("(id=")) {
		return i + 2
	}
	return bytes.IndexByte(text, ':') + 1
}
