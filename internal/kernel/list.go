// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// probeList is what ftrace says can be traced: the places by address (6.5), or
// else how often it lists each name.
type probeList struct {
	places []uint64
	// probed: kprobes stand at the places themselves.
	probed bool
	counts map[listed]int
}

// probedAtPlaces are the architectures where functions begin at two addresses (the ELF V2 ABI
// of Power): direct calls leave out the first instructions. The place of ftrace is behind
// both, and what the kernel says that it has called a program for.
var probedAtPlaces = map[string]bool{"ppc64le": true}

var errNoPlaces = errors.New("the kernel does not list the addresses of ftrace entries, which kprobes need on this architecture (Linux 6.5, with tracefs)")

type listed struct{ name, module string }

// parsePlaces reads available_filter_functions_addrs: `ADDRESS NAME [MODULE]`.
// The address is that of the call to ftrace, a few bytes into the function.
func parsePlaces(arch string, r io.Reader) (*probeList, error) {
	l := &probeList{probed: probedAtPlaces[arch]}
	err := lines(r, func(b []byte) {
		if addr, _ := hexadecimal(b); addr != 0 {
			l.places = append(l.places, addr)
		}
	})
	slices.Sort(l.places)
	return l, err
}

// parseNames reads available_filter_functions: `NAME [MODULE]`.
func parseNames(r io.Reader) (*probeList, error) {
	l := &probeList{counts: map[listed]int{}}
	err := lines(r, func(b []byte) {
		name, module, _ := bytes.Cut(b, []byte{' '})
		module = bytes.TrimSuffix(bytes.TrimPrefix(module, []byte{'['}), []byte{']'})
		l.counts[listed{string(name), string(module)}]++
	})
	return l, err
}

// notListed is why a function is left out.
const notListed = "ftrace does not list it (notrace, or removed)"

// traceable are those functions of one name that ftrace can trace, each with the
// start of what follows it. If it can trace only some of them and the list has
// no addresses, why says so and there are none.
func (l *probeList) traceable(name, module string, spans []span) (out []span, why string) {
	if l.counts != nil {
		return l.byName(listed{name, module}, spans)
	}
	for _, s := range spans {
		i, _ := slices.BinarySearch(l.places, s.start)
		if i == len(l.places) || l.places[i] >= s.end {
			continue
		}
		if l.probed {
			s.start = l.places[i]
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		why = notListed
	}
	return out, why
}

func (l *probeList) byName(k listed, spans []span) ([]span, string) {
	switch n := l.counts[k]; {
	case n == 0:
		return nil, notListed
	case n < len(spans):
		return nil, fmt.Sprintf("ftrace lists %d of %d functions with this name and does not say which", n, len(spans))
	}
	return spans, ""
}
