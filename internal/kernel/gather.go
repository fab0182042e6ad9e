// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"
)

// Gather examines the running kernel. The slow steps (BTF, symbols, the list of functions, testing the
// backends) run concurrently.
//
// Functions that can't be listed, or whose addresses are hidden, are not an error: see [Facts.ListReadable] and
// [Facts.Support].
func Gather(ctx context.Context, o Options) (*Facts, error) {
	g := gathering{options: o}
	g.arch, g.wanted, g.maps = runtime.GOARCH, o.Wanted, o.Maps
	g.core, g.closed = openCore(corePath)
	defer g.core.close()
	g.run(g.readTypes, g.readSymbols, g.readList, g.readCalls, g.try, g.tryPrograms)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if g.err != nil {
		return nil, g.err
	}
	return g.facts(), nil
}

// gathering is the state of one call of Gather.
type gathering struct {
	options Options
	inputs
	core   *core // nil if closed is set
	closed error // why kernel memory can't be read
	spec   *btf.Spec
	err    error // of BTF, which is required
	tried  map[Backend]error
	// modules are the modules whose types are read, absent the requested ones that can't be read.
	modules []string
	absent  []AbsentModule
	// described are the types of Options.Described.
	described []*btf.Spec
	// untraceable is why BPF programs can't be traced; nil if they can, or if not requested.
	untraceable error
}

// run runs the steps concurrently.
func (g *gathering) run(steps ...func()) {
	var wg sync.WaitGroup
	for _, step := range steps {
		wg.Go(step)
	}
	wg.Wait()
}

// readTypes parses the BTF while cilium/ebpf indexes it for CO-RE.
func (g *gathering) readTypes() {
	vmlinux, err := readBTF(g.options.BTFFile)
	if err != nil {
		g.err = err
		return
	}
	var imageErr, specErr error
	if g.options.BTFFile != "" {
		if g.err = g.options.named(checkTypes(vmlinux)); g.err != nil {
			return
		}
	}
	g.run(
		func() { imageErr = g.parseTypes(vmlinux) },
		func() { g.spec, specErr = btf.LoadSpecFromReader(bytes.NewReader(vmlinux)) },
	)
	g.err = g.options.named(cmp.Or(imageErr, specErr))
}

// named adds the file name of --kernel-btf to an error, if the flag was given.
func (o Options) named(err error) error {
	if err == nil || o.BTFFile == "" {
		return err
	}
	return badBTFFile(o.BTFFile, err)
}

func (g *gathering) parseTypes(vmlinux []byte) error {
	modules, err := g.readModules()
	if err != nil {
		return err
	}
	if len(modules) > 0 && g.options.BTFFile != "" {
		if err := sameBTF(g.options.BTFFile, vmlinux); err != nil {
			return err
		}
	}
	g.images, err = parseImages(runtime.GOARCH, vmlinux, modules, g.options.NoSkbFuncs)
	if err == nil {
		err = g.addDescribed()
	}
	if err == nil && g.options.BTFFile == "" {
		g.reasons = moduleReasons(g.images)
	}
	return err
}

// addDescribed adds the images of Options.Described.
func (g *gathering) addDescribed() error {
	a, err := abiOf(runtime.GOARCH)
	for _, m := range g.options.Described {
		t, parseErr := parseTypes(m.Raw, nil)
		spec, specErr := btf.LoadSpecFromReader(bytes.NewReader(m.Raw))
		if err := errors.Join(err, parseErr, specErr); err != nil {
			return fmt.Errorf("types of kernel module %s: %w", m.Name, err)
		}
		g.images = append(g.images, newImage(t, a, m.Name, g.options.NoSkbFuncs))
		g.described = append(g.described, spec)
	}
	return nil
}

// readModules reads the BTF of the modules, and stores which requested ones can't be read.
func (g *gathering) readModules() (map[string][]byte, error) {
	names, absent, err := sysModules().modules(g.options)
	g.absent, g.modules = absent, names
	if err != nil {
		return nil, err
	}
	return readModules(names)
}

// readSymbols decodes the kernel's own symbol tables. It reads /proc/kallsyms if a module is requested, or if
// the tables can't be decoded.
func (g *gathering) readSymbols() {
	if g.core != nil && !g.options.asksForModules() {
		if g.symbols, _ = unpackSymbols(g.core); g.symbols != nil {
			return
		}
	}
	g.symbols, g.hidden = ReadSymbols()
}

// asksForModules reports whether a requested function may be in a module.
func (o Options) asksForModules() bool {
	return o.AllModules || o.Called || o.Maps || len(o.Modules)+len(o.LikelyModules)+len(o.Wanted)+len(o.NoSkbFuncs) > 0
}

// readList reads ftrace's list if kernel memory, and thus the code of functions, can't be read.
func (g *gathering) readList() {
	if g.core == nil {
		g.readFtraceList()
	}
}

// readFtraceList reads ftrace's list of functions or, if that fails, the kprobe blacklist.
func (g *gathering) readFtraceList() {
	list, err := readList(runtime.GOARCH)
	if g.unreadable = err; err != nil {
		g.blacklist = readBlacklist()
		return
	}
	g.list = list
}

// readEntries selects the check of first instructions ([entries]) to decide what ftrace can trace. It runs after
// the functions are located. If the instructions are not recognised, it reads ftrace's list instead.
func (g *gathering) readEntries() {
	if g.core == nil || g.symbols == nil {
		return
	}
	if e := newEntries(runtime.GOARCH, g.symbols, g.core.read); e.plausible(g.images) {
		g.list = e
		return
	}
	g.readFtraceList()
}

func (g *gathering) readCalls() {
	if g.options.Called {
		g.calls, g.uncalled = readProgramCalls()
	}
}

func (g *gathering) try() { g.tried = tryBackends() }

func (g *gathering) tryPrograms() {
	if g.options.Programs {
		g.untraceable = tryTracing()
	}
}

func (g *gathering) facts() *Facts {
	g.locate()
	g.readEntries()
	f := g.inputs.facts()
	f.Untraceable, f.Described = g.untraceable, g.described
	if f.Modules, f.AbsentModules = g.modules, g.absent; len(g.absent) > 0 {
		f.ModulesWithBTF = ModuleNames()
	}
	if g.options.Programs {
		f.NoBreakpoints = breakpoints(runtime.GOARCH, g.spec)
	}
	f.Release, f.PageSize, f.BTF = Release(), os.Getpagesize(), g.spec
	f.CPUs, f.CPUsUnknown = ebpf.PossibleCPU()
	f.Closed = g.closed
	if f.PagesUnknown = g.closed; g.closed == nil {
		f.Pages, f.PagesUnknown = locatePages(g.core, g.spec)
	}
	f.IsReturn, f.NoSession = trySession(g.spec)
	f.Direct, f.NoDirect = tryDirect(g.spec)
	f.RawSockets = findRawSockets(g.spec)
	f.Contexts, f.ContextsUnknown = locateContexts(runtime.GOARCH, f.Symbols, g.spec)
	for b, err := range g.tried {
		if err != nil { // more specific than what the files show
			f.Support[b] = err
		}
	}
	return f
}

// Release returns what `uname -r` prints, or an empty string if the kernel does not say.
func Release() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return unix.ByteSliceToString(u.Release[:])
}
