// SPDX-License-Identifier: Apache-2.0

package column

import "tracer/internal/printable"

// appendEscaped escapes and appends an untrusted name, such as that of a process.
func appendEscaped(dst []byte, s string) []byte { return printable.Append(dst, s) }

// appendJSONString appends s as a JSON string.
func appendJSONString(dst []byte, s string) []byte {
	return append(appendJSONEscaped(append(dst, '"'), s), '"')
}

func appendJSONEscaped(dst []byte, s string) []byte { return printable.AppendJSON(dst, s) }
