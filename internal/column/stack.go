// SPDX-License-Identifier: Apache-2.0

package column

import "tracer/internal/event"

// indent is the indentation of blocks, which distinguishes them from rows.
const indent = "    "

func stackColumns() []Column {
	return []Column{{
		Name: "stack", Key: "stack", Type: Array, Block: true,
		Help:  "stack, innermost function first, below the row (--output-stack)",
		Group: Stack, Text: stackText, JSON: stackJSON,
	}}
}

// stackText appends a line like `    icmp_rcv+0x1a3` or `    nft_do_chain+0x5c [nf_tables]` for each frame.
func stackText(dst []byte, e *event.Event) []byte {
	for i := range e.Stack {
		dst = appendFrame(append(dst, indent...), &e.Stack[i])
		dst = append(dst, '\n')
	}
	return dst
}

func appendFrame(dst []byte, f *event.Frame) []byte {
	if f.Symbol == "" {
		return appendHex(dst, f.Addr)
	}
	dst = append(append(dst, f.Symbol...), '+')
	return appendModule(appendHex(dst, f.Offset), f.Module)
}

// appendModule appends text like ` [nf_tables]`, or nothing for vmlinux.
func appendModule(dst []byte, module string) []byte {
	if module == "" {
		return dst
	}
	return append(append(append(dst, " ["...), module...), ']')
}

func stackJSON(dst []byte, e *event.Event) []byte {
	if e.Stack == nil {
		return appendNull(dst)
	}
	dst = append(dst, '[')
	for i := range e.Stack {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendFrameObject(dst, &e.Stack[i])
	}
	return append(dst, ']')
}

func appendFrameObject(dst []byte, f *event.Frame) []byte {
	dst = appendHexString(append(dst, `{"addr":`...), f.Addr)
	dst = appendStringOrNull(appendKey(dst, "symbol"), f.Symbol)
	dst = appendKey(dst, "offset")
	if f.Symbol == "" {
		dst = appendNull(dst)
	} else {
		dst = appendUint(dst, f.Offset)
	}
	dst = appendStringOrNull(appendKey(dst, "module"), f.Module)
	return append(dst, '}')
}
