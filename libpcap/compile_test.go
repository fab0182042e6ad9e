// SPDX-License-Identifier: Apache-2.0

package libpcap

import (
	"errors"
	"strings"
	"sync"
	"testing"
)

const snaplen = 262144

func mustCompile(t *testing.T, expr string, link LinkType) []RawInstruction {
	t.Helper()
	prog, err := Compile(expr, link, snaplen)
	if err != nil {
		t.Fatal(err)
	}
	return prog
}

func TestCompile(t *testing.T) {
	want := []RawInstruction{
		{Op: 0x28, K: 12},                  // ldh [12]
		{Op: 0x15, Jf: 3, K: 0x0800},       // jeq
		{Op: 0x30, K: 23},                  // ldb [23]
		{Op: 0x15, Jf: 1, K: 1},            // jeq
		{Op: 0x06, K: snaplen}, {Op: 0x06}, // ret
	}
	have := mustCompile(t, "icmp", Ethernet)
	if len(have) != len(want) {
		t.Fatalf("have %v, want %v", have, want)
	}
	for i := range want {
		if have[i] != want[i] {
			t.Errorf("instruction %d: have %v, want %v", i, have[i], want[i])
		}
	}
}

func TestCompileRaw(t *testing.T) {
	packet := append([]byte{0x45, 0, 0, 28, 0, 0, 0, 0, 64, 1}, make([]byte, 18)...)
	if prog := mustCompile(t, "icmp", Raw); !Match(prog, packet, len(packet)) {
		t.Error("an IPv4 packet without a link header does not match")
	}
	if _, err := Compile("ether host 1:2:3:4:5:6", Raw, snaplen); err == nil {
		t.Error("no error for an Ethernet address in a packet without one")
	}
}

func TestZeroByte(t *testing.T) {
	_, err := Compile("tcp\x00 or udp", Ethernet, snaplen)
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.Offset != 3 {
		t.Errorf("have %v, want an error at 3", err)
	}
}

// TestCompileParallel compiles in several goroutines, which finds data races with -race, or if libpcap's
// parser is not thread-safe.
func TestCompileParallel(t *testing.T) {
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				if prog, err := Compile("tcp port 80", Ethernet, snaplen); err != nil || len(prog) == 0 {
					t.Errorf("%v, %v", prog, err)
				}
				if _, err := Compile("tcp prot 80", Ethernet, snaplen); err == nil {
					t.Error("no error")
				}
			}
		})
	}
	group.Wait()
}

func TestVersion(t *testing.T) {
	if version := Version(); !strings.HasPrefix(version, "libpcap version 1.") {
		t.Errorf("have %q", version)
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, err := Compile("tcp and port 80", Ethernet, snaplen); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompileError(b *testing.B) {
	for b.Loop() {
		if _, err := Compile("host 10.0.0.1 and (tcp prot 80 or udp)", Ethernet, snaplen); err == nil {
			b.Fatal("no error")
		}
	}
}
