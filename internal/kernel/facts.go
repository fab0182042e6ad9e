// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"

	"tracer/internal/printable"

	"github.com/cilium/ebpf/btf"
)

// Sources are the files of one kernel.
type Sources struct {
	// Arch is the GOARCH, which determines the registers of arguments.
	Arch string
	// BTF is the BTF of vmlinux, raw or in an ELF file.
	BTF []byte
	// Modules has the split BTF of modules, by name.
	Modules map[string][]byte
	// Symbols is /proc/kallsyms; nil is treated as hidden addresses.
	Symbols io.Reader
	// Places is available_filter_functions_addrs (6.5); nil if there is none.
	Places io.Reader
	// Names is available_filter_functions, which is read if Places is nil.
	Names io.Reader
	// Blacklist is kprobes/blacklist, which is used if Places and Names are nil; may be nil.
	Blacklist io.Reader
	// Wanted are names of functions to locate, whatever arguments they take.
	Wanted []string
	// NoSkbFuncs and Maps are as in Options.
	NoSkbFuncs []*regexp.Regexp
	Maps       bool
	// Calls are the calls in BPF programs; nil if not requested.
	Calls *ProgramCalls
}

var errNoList = errors.New("the kernel provides no list of traceable functions")

// FactsFrom makes Facts from stored files. Support then depends only on the files: a backend without an error has
// something to attach to.
func FactsFrom(s Sources) (*Facts, error) {
	raw, err := rawBTF(s.BTF)
	if err != nil {
		return nil, err
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	images, err := parseImages(s.Arch, raw, s.Modules, s.NoSkbFuncs)
	if err != nil {
		return nil, err
	}
	in := inputs{arch: s.Arch, images: images, wanted: s.Wanted, maps: s.Maps, calls: s.Calls}
	if err := in.read(s); err != nil {
		return nil, err
	}
	in.locate()
	facts := in.facts()
	facts.BTF = spec
	return facts, nil
}

func (in *inputs) read(s Sources) (err error) {
	if in.symbols, in.hidden = nil, ErrAddressesHidden; s.Symbols != nil {
		in.symbols, in.hidden = ParseSymbols(s.Symbols)
	}
	switch {
	case s.Places != nil:
		in.list, err = parseSites(s.Arch, s.Places)
	case s.Names != nil:
		in.list, err = parseNames(s.Names)
	default:
		in.unreadable = errNoList
	}
	if err == nil && s.Blacklist != nil {
		in.blacklist, err = parseBlacklist(s.Blacklist)
	}
	return err
}

// image has what the BTF of vmlinux, or of one module, describes.
type image struct {
	*types
	*catalogue
	tracepoints []Tracepoint
	reasons     map[uint32]string
}

func newImage(t *types, a abi, module string, noSkbFuncs []*regexp.Regexp) image {
	return image{t, newCatalogue(t, a, module, noSkbFuncs), t.tracepoints(module), t.reasons()}
}

// parseImages parses vmlinux, which is the first image, and its modules.
func parseImages(arch string, vmlinux []byte, modules map[string][]byte, noSkbFuncs []*regexp.Regexp) ([]image, error) {
	a, err := abiOf(arch)
	if err != nil {
		return nil, err
	}
	base, err := parseTypes(vmlinux, nil)
	if err != nil {
		return nil, err
	}
	out := []image{newImage(base, a, "", noSkbFuncs)}
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		t, err := parseTypes(modules[name], base)
		if err != nil {
			return nil, fmt.Errorf("BTF of kernel module %s: %w", printable.Quote(name), err)
		}
		out = append(out, newImage(t, a, name, noSkbFuncs))
	}
	return out, nil
}

// inputs is everything that was read, before functions are selected.
type inputs struct {
	arch       string // GOARCH
	images     []image
	reasons    map[uint32]string // of reasonModules
	symbols    *Symbols
	hidden     error // why there are no symbols
	list       traceable
	unreadable error // why there is no list
	blacklist  blacklist
	wanted     []string // functions to locate
	maps       bool     // whether to find map functions
	calls      *ProgramCalls
	uncalled   error // why there are no calls
}

// locate gives the candidates the address ranges of their symbols.
func (in *inputs) locate() {
	if in.symbols != nil {
		in.symbols.locate(in.images)
	}
}

// facts selects functions from what has been located.
func (in *inputs) facts() *Facts {
	f := &Facts{Symbols: in.symbols, ListReadable: in.unreadable, Reasons: in.reasons}
	for _, img := range in.images {
		f.Tracepoints = append(f.Tracepoints, img.tracepoints...)
		f.Reasons = mergeReasons(f.Reasons, img.reasons)
	}
	sortTracepoints(f.Tracepoints)
	if in.symbols != nil {
		in.selectFunctions(f)
	}
	f.Support = in.support(f)
	return f
}

// selectFunctions fills the lists of functions, FuncRanges and Skipped.
func (in *inputs) selectFunctions(f *Facts) {
	sel := selector{
		consistent: in.images[0].consistent(),
		symbols:    in.symbols,
		list:       in.list,
		blacklist:  in.blacklist,
	}
	for _, img := range in.images {
		for _, c := range img.byName {
			functions, skipped := sel.decide(c)
			if c.noSkb {
				f.NoSkbFuncs = append(f.NoSkbFuncs, functions...)
			} else {
				f.Functions = append(f.Functions, functions...)
			}
			f.Skipped = append(f.Skipped, skipped...)
		}
	}
	f.FuncRanges = sel.funcRanges(in.wanted)
	in.selectCalled(f, &sel)
	f.Functions, f.NoSkbFuncs = sortFunctions(f.Functions), sortFunctions(f.NoSkbFuncs)
	sortSkipped(f.Skipped)
}

// selectCalled fills Called and MapFunctions. It fills both if called functions are requested, since programs
// may call map functions.
func (in *inputs) selectCalled(f *Facts, sel *selector) {
	var skipped []Skipped
	types := in.images[0].types
	if in.calls != nil || in.uncalled != nil {
		f.Called = &Called{Unknown: in.uncalled}
		skipped = f.Called.fill(in.calls, sel, types)
	}
	if in.maps || f.Called != nil {
		var refused []Skipped
		f.MapFunctions, refused = sel.mapFunctions(types)
		skipped = append(skipped, refused...)
	}
	f.Skipped = append(f.Skipped, skipped...)
}

// hasFtraceSites reports whether the addresses of ftrace call sites are known.
func (in *inputs) hasFtraceSites() bool {
	list, ok := in.list.(*probeList)
	return ok && list.sites != nil
}

// support returns what is known about each backend without testing the kernel.
func (in *inputs) support(f *Facts) map[Backend]error {
	functions := in.hidden
	switch {
	case functions != nil:
	case probedAtSites[in.arch] && !in.hasFtraceSites():
		functions = errNoSites
	case len(f.Functions) == 0:
		functions = errors.New("no function that takes an skb can be traced")
	}
	var points error
	if len(f.Tracepoints) == 0 {
		points = errors.New("BTF has no raw tracepoint that takes an skb")
	}
	support := make(map[Backend]error, len(backends))
	for _, b := range backends {
		support[b.Backend] = points
		if b.Functions {
			support[b.Backend] = functions
		}
	}
	return support
}
