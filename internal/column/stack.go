// SPDX-License-Identifier: Apache-2.0

package column

import (
	"slices"
	"strings"

	"tracer/internal/event"
)

// indent is the indentation of blocks, which distinguishes them from rows.
const indent = "    "

func stackColumns() []Column {
	return []Column{{
		Name: "stack", Key: "stack", Type: Array, Block: true,
		Help:  "stack, innermost function first, below the row (--output-stack)",
		Group: Stack, Text: stackText, JSON: stackJSON,
	}}
}

// stackText appends a line like `    icmp_rcv+0x1a3` or `    nft_do_chain+0x5c [nf_tables]` for each frame, down to the
// softirq, and then a line like `    … 8 frames below the softirq`.
func stackText(dst []byte, e *event.Event) []byte {
	shown := untilSoftirq(e.Stack)
	for i := range shown {
		dst = appendFrame(append(dst, indent...), &shown[i])
		dst = append(dst, '\n')
	}
	if cut := len(e.Stack) - len(shown); cut > 0 {
		dst = appendUint(append(append(dst, indent...), "… "...), uint64(cut))
		dst = append(dst, " frame"...)
		if cut > 1 {
			dst = append(dst, 's')
		}
		dst = append(dst, " below the softirq\n"...)
	}
	return dst
}

// softirqLoops are the functions that call the handlers of softirqs: handle_softirqs, on older kernels __do_softirq,
// which the kernel also lists under the name of its section.
var softirqLoops = []string{"handle_softirqs", "__do_softirq", "__softirqentry_text_start"}

// untilSoftirq returns the frames down to the one that runs softirqs, or all frames outside of softirqs. The frames
// below it belong to the task that the softirq interrupted, which often has nothing to do with the packet.
func untilSoftirq(frames []event.Frame) []event.Frame {
	i := slices.IndexFunc(frames, func(f event.Frame) bool {
		name, _, _ := strings.Cut(f.Symbol, ".") // without a suffix of the compiler
		return f.Module == "" && slices.Contains(softirqLoops, name)
	})
	if i < 0 {
		return frames
	}
	return frames[:i+1]
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
