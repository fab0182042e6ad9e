// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"tracer/libpcap"
)

// TestSearch compares rows with libpcap's interpreter, for values that are in the row, next to one of
// its values, or far away.
func TestSearch(t *testing.T) {
	l := newLab(t)
	r := rand.New(rand.NewPCG(10, 0))
	for _, n := range []int{minSearched - 1, minSearched, 9, 12, 13, 48, 200} {
		for _, inside := range []bool{false, true} { // see rowOf
			values := make([]uint32, n)
			for i := range values {
				values[i] = r.Uint32() &^ 1
			}
			values[0], values[1], values[2] = 0, 1<<31, values[3]
			s := subjectOf(t, l, rowOf(values, inside))
			for _, v := range append(values, 0, 1<<31, 1<<31-1, 1<<32-1) {
				for _, near := range []uint32{v - 1, v, v + 1} {
					frame := be32(near)
					l.show(t, frame)
					s.compare(t, frame)
				}
			}
			if s.matched < n {
				t.Errorf("%d values: %d matches", n, s.matched)
			}
		}
	}
}

// rowOf returns a program that matches the values with a row. If inside is set, another comparison follows
// if none of the values matches, and another instruction lies between the row and its targets.
func rowOf(values []uint32, inside bool) []bpf.Instruction {
	program := []bpf.Instruction{bpf.LoadAbsolute{Size: 4}}
	for i, v := range values {
		program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: v, SkipTrue: uint8(len(values) - i)})
	}
	if inside {
		program[len(values)] = bpf.JumpIf{Cond: bpf.JumpEqual, Val: values[len(values)-1], SkipTrue: 1, SkipFalse: 2}
		return append(program, bpf.RetConstant{Val: 7}, bpf.RetConstant{Val: 1}, bpf.JumpIf{Cond: bpf.JumpEqual, Val: 5, SkipFalse: 1}, bpf.RetConstant{Val: 1}, bpf.RetConstant{})
	}
	return append(program, bpf.RetConstant{}, bpf.RetConstant{Val: 1})
}

func subjectOf(t *testing.T, l *lab, program []bpf.Instruction) *subject {
	t.Helper()
	body, need, err := translate(program)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := bpf.Assemble(program)
	if err != nil {
		t.Fatal(err)
	}
	return &subject{expectation: expectation{expr: fmt.Sprintf("row of %d", len(program))}, classic: raw, prog: l.load(t, body, need)}
}

// TestRowEndsAtJumpTarget checks that a row ends before the target of another jump.
func TestRowEndsAtJumpTarget(t *testing.T) {
	program := []bpf.Instruction{bpf.LoadAbsolute{Size: 4}, bpf.JumpIf{Cond: bpf.JumpGreaterThan, Val: 100, SkipTrue: 10}}
	for i := range 20 {
		program = append(program, bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(10 * i), SkipTrue: uint8(20 - i)})
	}
	program = append(program, bpf.RetConstant{}, bpf.RetConstant{Val: 1})
	l := newLab(t)
	s := subjectOf(t, l, program)
	for v := range uint32(210) {
		frame := be32(v)
		l.show(t, frame)
		s.compare(t, frame)
	}
}

func longHosts(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "host " + longHost(i).String()
	}
	return strings.Join(list, " or ")
}

func longHost(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }

// TestLongFilter checks that the kernel accepts long filters, and that these match the hosts they name.
func TestLongFilter(t *testing.T) {
	l := newLab(t)
	for _, n := range []int{200, 1000, 5000} {
		p := mustCompile(t, longHosts(n))
		classic, err := bpf.Assemble(p.Classic)
		if err != nil {
			t.Fatal(err)
		}
		s := &subject{expectation: expectation{expr: fmt.Sprintf("%d hosts", n)}, classic: classic, prog: l.load(t, p.Body, p.Need)}
		for _, i := range []int{0, 1, n / 2, n - 1, n, n + 1} {
			for _, h := range []ipv4{{src: longHost(i).String(), dst: "1.1.1.1"}, {src: "1.1.1.1", dst: longHost(i).String()}} {
				h.proto = protoUDP
				frame := frame(typeIPv4, h.packet(udp(1, 2, nil)))
				l.show(t, frame)
				s.compare(t, frame)
				if libpcap.Match(classic, frame, len(frame)) != (i < n) {
					t.Errorf("%d hosts: host %d matches or not", n, i)
				}
			}
		}
		t.Logf("%d hosts: %d instructions of classic BPF, %d of eBPF", n, len(p.Classic), len(p.Body))
	}
}

// TestTooLongForJumps checks the error for a filter that is longer than the reach of a jump.
func TestTooLongForJumps(t *testing.T) {
	_, err := Compile(longHosts(7000))
	var syntax *libpcap.SyntaxError
	if !errors.As(err, &syntax) || !strings.Contains(syntax.Msg, "instructions, and the kernel's jumps reach over 32767") || syntax.Advice == "" {
		t.Errorf("have %v", err)
	}
}
