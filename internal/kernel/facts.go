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
	// Others and Maps are as in Options.
	NoSkbFuncs []*regexp.Regexp
	Maps       bool
	// Calls are the calls in BPF programs; nil if not requested.
	Calls *ProgramCalls
}

var errNoList = errors.New("the kernel provides no list of traceable functions")

// FactsFrom makes Facts from stored files. Support then contains only what the files show: a backend without an
// error has something to attach to.
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
	e := inputs{arch: s.Arch, images: images, wanted: s.Wanted, maps: s.Maps, calls: s.Calls}
	if err := e.read(s); err != nil {
		return nil, err
	}
	e.locate()
	facts := e.facts()
	facts.BTF = spec
	return facts, nil
}

func (e *inputs) read(s Sources) (err error) {
	if e.symbols, e.hidden = nil, ErrAddressesHidden; s.Symbols != nil {
		e.symbols, e.hidden = ParseSymbols(s.Symbols)
	}
	switch {
	case s.Places != nil:
		e.list, err = parsePlaces(s.Arch, s.Places)
	case s.Names != nil:
		e.list, err = parseNames(s.Names)
	default:
		e.unreadable = errNoList
	}
	if err == nil && s.Blacklist != nil {
		e.blacklist, err = parseBlacklist(s.Blacklist)
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

func newImage(t *types, a abi, module string, others []*regexp.Regexp) image {
	return image{t, newCatalogue(t, a, module, others), t.tracepoints(module), t.reasons()}
}

// parseImages parses vmlinux, which is the first image, and its modules.
func parseImages(arch string, vmlinux []byte, modules map[string][]byte, others []*regexp.Regexp) ([]image, error) {
	a, err := abiOf(arch)
	if err != nil {
		return nil, err
	}
	base, err := parseTypes(vmlinux, nil)
	if err != nil {
		return nil, err
	}
	out := []image{newImage(base, a, "", others)}
	for _, name := range slices.Sorted(maps.Keys(modules)) {
		t, err := parseTypes(modules[name], base)
		if err != nil {
			return nil, fmt.Errorf("BTF of kernel module %q: %w", name, err)
		}
		out = append(out, newImage(t, a, name, others))
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
func (e *inputs) locate() {
	if e.symbols != nil {
		e.symbols.locate(e.images)
	}
}

// facts selects functions from what has been located.
func (e *inputs) facts() *Facts {
	f := &Facts{Symbols: e.symbols, ListReadable: e.unreadable, Reasons: e.reasons}
	for _, img := range e.images {
		f.Tracepoints = append(f.Tracepoints, img.tracepoints...)
		f.Reasons = mergeReasons(f.Reasons, img.reasons)
	}
	sortTracepoints(f.Tracepoints)
	if e.symbols != nil {
		e.weigh(f)
	}
	f.Support = e.support(f)
	return f
}

// weigh fills the lists of functions, Places and Skipped.
func (e *inputs) weigh(f *Facts) {
	j := selector{
		consistent: e.images[0].consistent(),
		symbols:    e.symbols,
		list:       e.list,
		blacklist:  e.blacklist,
	}
	for _, img := range e.images {
		for _, c := range img.byName {
			functions, skipped := j.decide(c)
			if c.other {
				f.NoSkbFuncs = append(f.NoSkbFuncs, functions...)
			} else {
				f.Functions = append(f.Functions, functions...)
			}
			f.Skipped = append(f.Skipped, skipped...)
		}
	}
	f.FuncRanges = j.funcRanges(e.wanted)
	e.weighPrograms(f, &j)
	f.Functions, f.NoSkbFuncs = sortFunctions(f.Functions), sortFunctions(f.NoSkbFuncs)
	sortSkipped(f.Skipped)
}

// weighPrograms fills Called and MapFunctions. Both are filled if called functions are requested, since
// programs may call map functions.
func (e *inputs) weighPrograms(f *Facts, j *selector) {
	var skipped []Skipped
	types := e.images[0].types
	if e.calls != nil || e.uncalled != nil {
		f.Called = &Called{Unknown: e.uncalled}
		skipped = f.Called.fill(e.calls, j, types)
	}
	if e.maps || f.Called != nil {
		var refused []Skipped
		f.MapFunctions, refused = j.mapFunctions(types)
		skipped = append(skipped, refused...)
	}
	f.Skipped = append(f.Skipped, skipped...)
}

// hasFtraceSites reports whether the addresses of ftrace call sites are known.
func (e *inputs) hasFtraceSites() bool {
	list, ok := e.list.(*probeList)
	return ok && list.places != nil
}

// support returns what is known about each backend without testing the kernel.
func (e *inputs) support(f *Facts) map[Backend]error {
	functions := e.hidden
	switch {
	case functions != nil:
	case probedAtPlaces[e.arch] && !e.hasFtraceSites():
		functions = errNoPlaces
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
