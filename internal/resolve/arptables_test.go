// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// TestArptables reads a table that the kernel creates, and prints a rule with all conditions that are printed.
func TestArptables(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-arp")
	f := legacyFormats[unix.NFPROTO_ARP]
	var table *legacyTable
	err := n.Do(func() error {
		socket, err := unix.Socket(f.family, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(socket)
		info, raw, err := f.entries(socket, "filter") // creates it
		if err != nil {
			return err
		}
		table, err = parseXtables(f, info, raw)
		return err
	})
	if err != nil {
		t.Skipf("this kernel has no arptables: %v", err)
	}
	if err := n.Do(func() error { return f.exists("filter") }); err != nil {
		t.Error(err)
	}
	for i, name := range []string{"INPUT", "OUTPUT", "FORWARD"} {
		if c := table.chains[i]; c.name != name || !c.base || len(c.rules) != 1 || c.rules[0].number != 0 {
			t.Errorf("chain %d: %+v, want %s with its policy only", i, c, name)
		}
	}
	r := table.chains[0].rules[0]
	copy(r.entry, []byte{10, 0, 0, 1, 10, 0, 0, 0, 255, 255, 255, 255, 255, 0, 0, 0})
	copy(r.entry[82:], []byte{0, 1, 255, 255})
	copy(r.entry[94:], "vb")
	copy(r.entry[126:], []byte{255, 255, 255})
	binary.NativeEndian.PutUint16(r.entry[160:], 8)
	r.entry[33], r.entry[49] = 2, 255
	if got, want := printARP(table, r).String(), "-s 10.0.0.1/32 ! -d 10.0.0.0/8 -i vb --opcode 1 [a source MAC] -j ACCEPT"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
