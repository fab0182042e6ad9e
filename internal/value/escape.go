// SPDX-License-Identifier: Apache-2.0

package value

import (
	"strconv"

	"tracer/internal/printable"
)

func appendHex(dst []byte, v uint64) []byte {
	return strconv.AppendUint(append(dst, "0x"...), v, 16)
}

// appendEscaped appends text as the content of a quoted string. It escapes blanks if l has none.
func appendEscaped(dst, s []byte, l layout) []byte {
	if l.blanks {
		return printable.AppendQuoted(dst, s)
	}
	return printable.AppendQuotedWord(dst, s)
}

// appendJSONString appends s as a JSON string.
func appendJSONString(dst, s []byte) []byte {
	return append(printable.AppendJSON(append(dst, '"'), string(s)), '"')
}
