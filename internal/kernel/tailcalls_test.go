// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"slices"
	"testing"

	"github.com/cilium/ebpf/btf"
)

func TestTailCallEntry(t *testing.T) {
	amd64 := []byte{0x0f, 0x1f, 0x44, 0, 0, 0x31, 0xc0, 0x55, 0x48, 0x89, 0xe5}
	arm64 := words(0xd50324df, 0xaa1e03e9, 0xd503201f, 0xa9bf7bfd, 0x910003fd, 0xa9bf6bff, 0x910003fa)
	for name, test := range map[string]struct {
		arch string
		code []byte
		want int
		err  error
	}{
		"amd64":           {"amd64", append(slices.Clone(amd64), 0x53), 11, nil},
		"amd64, traced":   {"amd64", append([]byte{0xe8, 1, 2, 3, 4}, amd64[5:]...), 11, nil},
		"amd64, with IBT": {"amd64", slices.Concat([]byte{0xf3, 0x0f, 0x1e, 0xfa}, amd64, []byte{0xf3, 0x0f, 0x1e, 0xfa, 0x53}), 19, nil},
		"amd64, no frame": {"amd64", make([]byte, 100), 0, errNoTailCallEntry},
		"amd64, too far":  {"amd64", append(make([]byte, 70), amd64...), 0, errNoTailCallEntry},
		"arm64":           {"arm64", slices.Concat(arm64, words(0xa9bf53f3)), 28, nil},
		"arm64, with BTI": {"arm64", slices.Concat(arm64, words(0xd503249f, 0xa9bf53f3)), 32, nil},
		"arm64, older":    {"arm64", slices.Concat(arm64[:20], words(0xa9bf53f3)), 0, errNoTailCallEntry},
		"no code":         {"arm64", nil, 0, errNoTailCallEntry},
		"another machine": {"riscv64", arm64, 0, errNoTailCallEntry},
	} {
		if got, err := tailCallEntry(test.arch, test.code); got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: %d, error %v, want %d and %v", name, got, err, test.want, test.err)
		}
	}
}

func TestBreakpointsThatAreNotSteppedOver(t *testing.T) {
	for _, test := range []struct {
		arch, member string
		want         error
	}{
		{"arm64", "orig_overflow_handler", errBreakpointLoops},
		{"arm64", "overflow_handler", nil},
		{"amd64", "orig_overflow_handler", nil},
	} {
		event := &btf.Struct{Name: "perf_event", Size: 8, Members: []btf.Member{{Name: test.member, Type: &btf.Int{Size: 8}}}}
		b, err := btf.NewBuilder([]btf.Type{event}, nil)
		if err != nil {
			t.Fatal(err)
		}
		types, err := b.Spec()
		if err != nil {
			t.Fatal(err)
		}
		if got := breakpoints(test.arch, types); !errors.Is(got, test.want) {
			t.Errorf("%s with %s: %v, want %v", test.arch, test.member, got, test.want)
		}
	}
}
