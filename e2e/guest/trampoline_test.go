// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bytes"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// kallsyms returns the kinds of the kernel's symbols (T, t, W, …), by name.
var kallsyms = sync.OnceValue(func() map[string]string {
	text, _ := os.ReadFile("/proc/kallsyms")
	kinds := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) >= 3 { // symbols of modules have four
			kinds[fields[2]] = fields[1]
		}
	}
	return kinds
})

func hasSymbol(name string) bool { return kallsyms()[name] != "" }

// tracesPrograms reports whether the kernel can trace BPF programs, independently of tracer: on an architecture without
// BPF trampolines, the function that creates them is only a weak symbol.
func tracesPrograms() bool {
	kind := strings.ToUpper(kallsyms()["arch_prepare_bpf_trampoline"])
	return kind != "" && kind != "W"
}

// kernelTypes returns the kernel's raw BTF, including its strings.
var kernelTypes = sync.OnceValue(func() []byte {
	b, _ := os.ReadFile("/sys/kernel/btf/vmlinux")
	return b
})

// hasTypeName reports whether the kernel's BTF has this name, of a type, member, enumerator or function.
func hasTypeName(name string) bool { return bytes.Contains(kernelTypes(), []byte("\x00"+name+"\x00")) }

// seesTailCalls reports whether the entry of tail-call targets can be traced, by a breakpoint with a BPF program. On
// arm64 before 6.10 the kernel does not step over such a breakpoint.
func seesTailCalls() bool {
	return runtime.GOARCH != "arm64" || !hasTypeName("orig_overflow_handler")
}

// said reports whether a line on stderr contains all parts.
func (p *process) said(parts ...string) bool {
	lacks := func(line string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(line, part) })
	}
	for line := range strings.Lines(p.stderr()) {
		if !lacks(line) {
			return true
		}
	}
	return false
}

// says checks that a line on stderr contains all parts.
func (p *process) says(parts ...string) {
	p.t.Helper()
	if !p.said(parts...) {
		p.t.Errorf("no line with %q on stderr: %s", parts, p.stderr())
	}
}

// awaitSaid waits until a line on stderr contains all parts.
func (p *process) awaitSaid(parts ...string) {
	p.t.Helper()
	for deadline := time.Now().Add(startLimit); !p.said(parts...); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("no line with %q on stderr: %s", parts, p.stderr())
		}
	}
}
