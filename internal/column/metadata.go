// SPDX-License-Identifier: Apache-2.0

package column

import "tracer/internal/event"

func metadataColumns() []Column {
	return []Column{{
		Name: "skb_metadata", Header: "METADATA", Key: "skb_metadata", Type: Object, Width: 8,
		Help:  "values of the expressions of --output-skb-metadata",
		Group: Metadata, Text: metadataText, JSON: metadataJSON,
	}}
}

// metadataText is like `skb->len=84 skb->dev->name=eth0`, with a ? for what could not
// be read, or - where there is nothing.
func metadataText(dst []byte, e *event.Event) []byte {
	if len(e.Names.Values) == 0 {
		return append(dst, '-')
	}
	for i, v := range e.Names.Values {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(appendEscaped(dst, v.Name), '=')
		if v.Value == nil {
			dst = append(dst, '?')
		} else {
			dst = v.Value.AppendText(dst)
		}
	}
	return dst
}

func metadataJSON(dst []byte, e *event.Event) []byte {
	dst = append(dst, '{')
	for i, v := range e.Names.Values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendJSONString(dst, v.Name), ':')
		dst = appendValueOrNull(dst, v.Value)
	}
	return append(dst, '}')
}
