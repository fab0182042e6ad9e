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

// kallsyms is the names of the kernel's functions.
var kallsyms = sync.OnceValue(func() map[string]string {
	text, _ := os.ReadFile("/proc/kallsyms")
	kinds := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 {
			kinds[fields[2]] = fields[1]
		}
	}
	return kinds
})

func hasSymbol(name string) bool { return kallsyms()[name] != "" }

// tracesPrograms says whether the kernel can trace BPF programs, without any help of the
// tracer's: the function that makes trampolines is a weak one where there are none.
func tracesPrograms() bool {
	kind := strings.ToUpper(kallsyms()["arch_prepare_bpf_trampoline"])
	return kind != "" && kind != "W"
}

// kernelTypes are the kernel's types, with their names.
var kernelTypes = sync.OnceValue(func() []byte {
	b, _ := os.ReadFile("/sys/kernel/btf/vmlinux")
	return b
})

// hasTypeName says whether the kernel's types have something of that name.
func hasTypeName(name string) bool { return bytes.Contains(kernelTypes(), []byte("\x00"+name+"\x00")) }

// seesTailCalls says whether the kernel steps over breakpoints with a BPF program.
func seesTailCalls() bool {
	return runtime.GOARCH != "arm64" || !hasTypeName("orig_overflow_handler")
}

// said tells whether a line on standard error has all of this.
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

// says wants such a line.
func (p *process) says(parts ...string) {
	p.t.Helper()
	if !p.said(parts...) {
		p.t.Errorf("nothing said with %q: %s", parts, p.stderr())
	}
}

// awaitSaid waits for such a line.
func (p *process) awaitSaid(parts ...string) {
	p.t.Helper()
	for deadline := time.Now().Add(startLimit); !p.said(parts...); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("nothing said with %q: %s", parts, p.stderr())
		}
	}
}
