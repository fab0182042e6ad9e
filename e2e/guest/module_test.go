// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestAbsentModules checks that a missing module causes only a note, with text and JSON output, and that the
// others are traced.
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
		p.notes(t, `note: --kmods "nosuchmodule": it is not loaded, `+notLoaded())
		switch {
		case hasVethTypes():
			p.notes(t, `note: --kmods "vetz": it is not loaded, `+notLoaded()+`: did you mean veth?`)
		case hasVeth():
			p.notes(t, `note: --kmods "veth": it has no BTF, so its functions are not traced`)
		default:
			p.notes(t, `note: --kmods "veth": it is not loaded, `+notLoaded())
		}
	}
}

// notLoaded returns the end of the note on a missing module: without modules.builtin, the module may be built
// into the kernel.
func notLoaded() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		panic(err)
	}
	if _, err := os.Stat("/lib/modules/" + unix.ByteSliceToString(name.Release[:]) + "/modules.builtin"); err != nil {
		return "unless it is built into the kernel, and traced without --kmods"
	}
	return "so its functions are not traced"
}

func hasVeth() bool {
	_, err := os.Stat("/sys/module/veth")
	return err == nil
}

func hasVethTypes() bool {
	_, err := os.Stat("/sys/kernel/btf/veth")
	return err == nil
}

// TestBuiltInModule checks the note on a module that is built into the kernel.
func TestBuiltInModule(t *testing.T) {
	p := start(t, "--kmods", "tcp_cubic", "--filter-func", few())
	p.stop()
	p.notes(t, `note: --kmods "tcp_cubic": it is built into the kernel, and traced without --kmods`)
}
