// SPDX-License-Identifier: Apache-2.0

package column

import "tracer/internal/event"

func firstColumns(o Options) []Column {
	return []Column{{
		Name: "first", Key: "first_tuple", Type: Object, Block: true,
		Help:  "first tuple of a dropped packet, below the row if it differs (--drop)",
		Group: First, Text: formOf(o).firstText, JSON: firstJSON,
	}}
}

// firstText appends a line like `    was 10.1.0.2:4000->10.96.0.10:53(udp), by conntrack`.
func (f tupleForm) firstText(dst []byte, e *event.Event) []byte {
	if e.First == nil || e.First.By == event.FirstUnknown || !e.First.Differs(&e.Tuple) {
		return dst
	}
	before, after := firstWords(e.First.By)
	dst = append(append(dst, indent...), before...)
	dst = f.appendTuple(dst, &e.First.Tuple)
	return append(append(dst, after...), '\n')
}

// firstWords returns the text before and after the tuple.
func firstWords(by event.FirstBy) (before, after string) {
	switch by {
	case event.FirstFollowed:
		return "was ", ""
	case event.FirstConnection:
		return "was ", ", by conntrack"
	case event.FirstTranslated:
		return "would become ", ", by conntrack"
	case event.FirstInner:
		return "carries ", ""
	case event.FirstQuoted:
		return "is about ", ""
	}
	return "", ""
}

func firstJSON(dst []byte, e *event.Event) []byte {
	if e.First == nil || e.First.By == event.FirstUnknown {
		return appendNull(dst)
	}
	dst = appendJSONString(append(dst, `{"by":`...), e.First.By.String())
	dst = appendTupleObject(appendKey(dst, "tuple"), &e.First.Tuple)
	return append(dst, '}')
}
