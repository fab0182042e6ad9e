// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// tracesPrograms says whether the kernel can trace BPF programs, without any help of the
// tracer's: on arm64 since 6.0, where bpf_prog_trampolines are made by this function.
var tracesPrograms = sync.OnceValue(func() bool {
	symbols, _ := os.ReadFile("/proc/kallsyms")
	return !strings.Contains(string(symbols), " W arch_prepare_bpf_trampoline\n") &&
		(bytes.Contains(symbols, []byte(" T arch_prepare_bpf_trampoline\n")) || bytes.Contains(symbols, []byte(" t arch_prepare_bpf_trampoline\n")))
})

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
