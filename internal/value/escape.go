// SPDX-License-Identifier: Apache-2.0

package value

import (
	"bytes"
	"strconv"

	"tracer/internal/printable"
)

func appendHex(dst []byte, v uint64) []byte {
	return strconv.AppendUint(append(dst, "0x"...), v, 16)
}

// appendEscaped appends text as the content of a quoted string. Blanks are escaped too, unless
// they are allowed.
func appendEscaped(dst, s []byte, blanks bool) []byte {
	for !blanks {
		word, rest, found := bytes.Cut(s, []byte(" "))
		if !found {
			break
		}
		dst, s = append(printable.AppendQuoted(dst, word), `\x20`...), rest
	}
	return printable.AppendQuoted(dst, s)
}

// appendJSONString appends s as a JSON string.
func appendJSONString(dst, s []byte) []byte {
	return append(printable.AppendJSON(append(dst, '"'), string(s)), '"')
}
