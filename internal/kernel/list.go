// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// probeList is ftrace's list of functions: the addresses of its call sites (6.5), or else how often it lists
// each name.
type probeList struct {
	sites []uint64
	// probed is set if kprobes are attached at the call sites themselves.
	probed bool
	counts map[listed]int
}

// probedAtSites are the architectures where kprobes are attached at the ftrace call site. In the ELF V2 ABI of
// Power, a function has two entry points: direct calls skip the first instructions. The ftrace call site is
// after both, and its address is the one that the kernel reports to programs.
var probedAtSites = map[string]bool{"ppc64le": true}

var errNoSites = errors.New("the kernel does not list the addresses of ftrace entries, which kprobes need on this architecture (Linux 6.5, with tracefs)")

type listed struct{ name, module string }

// parseSites reads available_filter_functions_addrs: `ADDRESS NAME [MODULE]`. ADDRESS is the ftrace call site,
// a few bytes into the function.
func parseSites(arch string, r io.Reader) (*probeList, error) {
	l := &probeList{probed: probedAtSites[arch]}
	err := lines(r, func(b []byte) {
		if addr, _ := hexadecimal(b); addr != 0 {
			l.sites = append(l.sites, addr)
		}
	})
	slices.Sort(l.sites)
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

// notListed is the reason for skipping a function that is not in ftrace's list.
const notListed = "ftrace does not list it (notrace, or removed)"

// traceable returns the functions with this name that ftrace can trace, as ranges of addresses. If a list
// without addresses has only some of them, it returns none, with this reason in why.
func (l *probeList) traceable(name, module string, spans []span) (out []span, why string) {
	if l.counts != nil {
		return l.byName(listed{name, module}, spans)
	}
	for _, s := range spans {
		i, _ := slices.BinarySearch(l.sites, s.start)
		if i == len(l.sites) || l.sites[i] >= s.end {
			continue
		}
		if l.probed {
			s.start = l.sites[i]
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
