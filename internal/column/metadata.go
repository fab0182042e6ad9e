// SPDX-License-Identifier: Apache-2.0

package column

import "tracer/internal/event"

func metadataColumns() []Column {
	return []Column{
		{
			Name: "skb_metadata", Header: "METADATA", Key: "skb_metadata", Type: Object, Width: 8, Screen: asked(16, 32),
			Help:  "values of the expressions of --output-skb-metadata",
			Group: Metadata, Text: metadataText, JSON: metadataJSON,
		},
		{
			Name: "xdp_metadata", Header: "XDP_METADATA", Key: "xdp_metadata", Type: Object, Width: 12, Screen: asked(16, 32),
			Help:  "values of the expressions of --output-xdp-metadata (XDP programs)",
			Group: XDPMetadata, Text: xdpMetadataText, JSON: xdpMetadataJSON,
		},
	}
}

func metadataText(dst []byte, e *event.Event) []byte { return appendValues(dst, e.Values) }

func xdpMetadataText(dst []byte, e *event.Event) []byte { return appendValues(dst, e.XDPValues) }

// appendValues appends text like `skb->len=84 skb->dev->name=eth0`, with a ? for a value that could
// not be read, or - if there are no values.
func appendValues(dst []byte, values []event.NamedValue) []byte {
	if len(values) == 0 {
		return append(dst, '-')
	}
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(appendEscaped(dst, v.Name), '=')
		if v.Value == nil {
			dst = append(dst, '?')
		} else {
			dst = append(dst, v.Value.Text...)
		}
	}
	return dst
}

func metadataJSON(dst []byte, e *event.Event) []byte { return appendValuesJSON(dst, e.Values) }

func xdpMetadataJSON(dst []byte, e *event.Event) []byte {
	return appendValuesJSON(dst, e.XDPValues)
}

func appendValuesJSON(dst []byte, values []event.NamedValue) []byte {
	dst = append(dst, '{')
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendJSONString(dst, v.Name), ':')
		dst = appendValueOrNull(dst, v.Value)
	}
	return append(dst, '}')
}
