// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"os"
	"testing"
)

// TestAbsentModules: a module that is not there is a note, in text and in JSON, and the others are
// traced.
func TestAbsentModules(t *testing.T) {
	w := newWorld(t)
	args := []string{"--kmods", "vetz,veth,nosuchmodule", "--filter-func", few() + "|veth_xmit", "icmp and net 10.9.0.0/24"}
	json := start(t, args...)
	ping(t, w.a, b4, 0x3001)
	events := json.stop().events
	text := command{args: args}.start(t)
	text.awaitReady()
	ping(t, w.a, b4, 0x3001)
	text.stopText()
	events.that(echo(8, 0x3001)).passed(t, marks(chosen()).sent)
	if hasVethTypes() && chosen() != tracepoint {
		events.that(func(r *record) bool { return r.Module == "veth" }).passed(t, "veth_xmit")
	}
	text.checkModule(text.stdout())
	for _, p := range []*process{json, text} {
		p.notes(t, `note: --kmods "nosuchmodule": it is not loaded, so its functions are not traced`)
		if hasVethTypes() {
			p.notes(t, `note: --kmods "vetz": it is not loaded, so its functions are not traced: did you mean veth?`)
		} else {
			p.notes(t, `note: --kmods "veth": it has no BTF, so its functions are not traced`)
			p.notes(t, "note: --kmods: none of these modules can be traced, only the kernel itself is")
		}
	}
}

func hasVethTypes() bool {
	_, err := os.Stat("/sys/kernel/btf/veth")
	return err == nil
}

// TestBuiltInModule: what is part of the kernel is traced without --kmods.
func TestBuiltInModule(t *testing.T) {
	p := start(t, "--kmods", "tcp_cubic", "--filter-func", few())
	p.stop()
	p.notes(t, `note: --kmods "tcp_cubic": it is built into the kernel, whose functions are traced anyway`)
}
