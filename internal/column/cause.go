// SPDX-License-Identifier: Apache-2.0

package column

import (
	"strconv"

	"tracer/internal/event"
)

// TupleText returns a tuple as in text output, without TCP fields. It is empty for a tuple that was not recorded.
func TupleText(t *event.Tuple) string {
	if *t == (event.Tuple{}) {
		return ""
	}
	return string(tupleForm{}.appendTuple(nil, t))
}

// causes appends the counts by cause of a Summary.
func causes(dst []byte, e *event.Event) []byte {
	dst = append(dst, '[')
	for i := range e.Totals.Causes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendCauseCount(dst, &e.Totals.Causes[i])
	}
	return append(dst, ']')
}

func appendCauseCount(dst []byte, c *event.CauseCount) []byte {
	dst = appendJSONString(append(dst, `{"cause":`...), c.Cause)
	dst = appendStringOrNull(appendKey(dst, "reason"), c.Reason)
	dst = appendMember(dst, "count", c.Count)
	dst = appendKey(dst, "groups")
	if c.Groups == 0 {
		dst = appendNull(dst)
	} else {
		dst = strconv.AppendUint(dst, c.Groups, 10)
	}
	dst = appendStringOrNull(appendKey(dst, "text"), c.Text)
	dst = appendKey(dst, "tuple")
	if c.Tuple == (event.Tuple{}) {
		dst = appendNull(dst)
	} else {
		dst = appendTupleObject(dst, &c.Tuple)
	}
	return append(dst, '}')
}
