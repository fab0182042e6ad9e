// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// Rights returns the capabilities that tracer uses, the most important first.
func Rights() []kernel.Capability { return kernel.Capabilities }

// Findings are the facts about a machine that the report is made from.
type Findings struct {
	// Version is tracer's version, Release is the kernel's (uname -r), and Arch is its GOARCH.
	Version, Release, Arch string
	UID                    int
	Capabilities           kernel.CapabilitySet
	// Namespaced is set if the user namespace is not the initial one.
	Namespaced bool
	// Lockdown is none, integrity or confidentiality; empty if the kernel has no lockdown.
	Lockdown string
	// Settings maps the names of existing sysctls to their values.
	Settings map[string]string
	// Kernel has the facts that tracing would use. It is nil if BTF can't be read; then NoTypes is the reason.
	Kernel  *kernel.Facts
	NoTypes error
	// CountsMemory is set if BPF memory counts against the limit of locked memory (before 5.11).
	CountsMemory bool
	// Modules is the number of loaded modules, and Described the number of those that have BTF.
	Modules, Described int
	// Conntrack is set if the types of connection tracking are known, and ConntrackLoaded if connection
	// tracking is loaded or built in.
	Conntrack, ConntrackLoaded bool
	// Tables is the module nf_tables, whose types are needed to show nftables rules.
	Tables Module
	// NoRing is the reason why BPF has no ring buffer; nil if it has.
	NoRing error
	// NoTracefs is the reason why ftrace's list of functions can't be read; nil if it can.
	NoTracefs error
	// Causes says how many causes of drops can be told, NoCauses why that is unknown; nil if it is known.
	Causes   plan.CauseCounts
	NoCauses error
	// Plans are what each backend would attach to. Returns is how returns would be traced; empty if not at all.
	Plans   map[kernel.Backend]Planned
	Returns kernel.ReturnWay
	// LockedMemory and OpenFiles are the hard limits, to which this process may raise its own.
	LockedMemory, OpenFiles uint64
	// Config is the kernel's configuration, from ConfigFile; nil if there is no such file.
	Config     map[string]string
	ConfigFile string
}

// Module is what is known about a kernel module: whether it is loaded, or built into the kernel, and whether its
// types are known. The types of a built-in module are in vmlinux.
type Module struct{ Loaded, BuiltIn, Described bool }

// Planned is what a backend would attach to.
type Planned struct {
	Functions, Tracepoints int
	// Reason is why it would attach to nothing; nil if it works.
	Reason error
}

// settings are the sysctls that affect tracing.
var settings = []string{"kernel.kptr_restrict", "kernel.perf_event_paranoid", "kernel.unprivileged_bpf_disabled"}

// Find examines this machine. It loads small programs to test whether the kernel accepts them, as tracing does,
// and closes them. It attaches only to its own programs, and leaves nothing behind. It returns an error if a
// basic requirement is not met or ctx ends; everything else that fails is a finding.
func Find(ctx context.Context, version string) (*Findings, error) {
	if err := cmp.Or(kernel.NeedFiles(), kernel.NeedProc(), kernel.NeedMemory()); err != nil {
		return nil, err
	}
	f := &Findings{Version: version, Arch: runtime.GOARCH, UID: os.Geteuid(), Settings: map[string]string{}}
	f.Capabilities, _ = kernel.Effective()
	f.findSystem()
	f.findLimits()
	f.findModules()
	f.NoTracefs, f.NoRing = kernel.CheckTracefs(), kernel.CheckRing()
	f.ConfigFile, f.Config = findConfig(f.Release)
	f.Kernel, f.NoTypes = kernel.Gather(ctx, kernel.Options{
		Programs: true, NoSkbFuncs: plan.WhyFunctions(plan.Families()), LikelyModules: plan.WhyModules(plan.Families()),
	})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f.Kernel != nil {
		f.findConntrack()
		f.Tables = f.findModule("nf_tables", "nft_do_chain")
		f.findPlans()
		f.Causes, f.NoCauses = plan.CountCauses(f.Kernel, f.moduleState)
	}
	return f, nil
}

func (f *Findings) findSystem() {
	f.Release = kernel.Release()
	f.Namespaced = isNamespaced(readText("/proc/self/uid_map"))
	f.Lockdown = chosen(readText("/sys/kernel/security/lockdown"))
	for _, name := range settings {
		if value := readText("/proc/sys/" + strings.ReplaceAll(name, ".", "/")); value != "" {
			f.Settings[name] = value
		}
	}
}

// readText returns the content of a file, or an empty string if it can't be read.
func readText(path string) string {
	b, _ := os.ReadFile(path)
	return strings.TrimSpace(string(b))
}

// isNamespaced reports whether a uid_map is that of a user namespace other than the initial one. The initial
// one maps all uids to themselves.
func isNamespaced(uidMap string) bool {
	return uidMap != "" && strings.Join(strings.Fields(uidMap), " ") != "0 0 4294967295"
}

// chosen returns the word in brackets, as in `[none] integrity confidentiality`.
func chosen(text string) string {
	_, rest, _ := strings.Cut(text, "[")
	word, _, _ := strings.Cut(rest, "]")
	return word
}

func (f *Findings) findLimits() {
	f.CountsMemory = countsMemory(f.Release)
	f.LockedMemory, f.OpenFiles = hardLimit(unix.RLIMIT_MEMLOCK), hardLimit(unix.RLIMIT_NOFILE)
}

// countsMemory decides by the kernel version, since any test of the feature would have to allocate memory.
func countsMemory(release string) bool {
	var major, minor int
	if n, _ := fmt.Sscanf(release, "%d.%d", &major, &minor); n < 2 {
		return false
	}
	return major < 5 || major == 5 && minor < 11
}

func hardLimit(resource int) uint64 {
	var limit unix.Rlimit
	if unix.Getrlimit(resource, &limit) != nil {
		return 0
	}
	return limit.Max
}

// findModules counts the loaded modules, and those with BTF. Built-in modules have no initstate in sysfs.
func (f *Findings) findModules() {
	loaded, _ := filepath.Glob("/sys/module/*/initstate")
	described, _ := filepath.Glob("/sys/kernel/btf/*")
	f.Modules, f.Described = len(loaded), max(0, len(described)-1) // without vmlinux
}

// findModule needs the name of a function of the module, and the types of vmlinux: in sysfs, a built-in module without
// parameters looks like one that is not loaded.
func (f *Findings) findModule(name, function string) Module {
	loaded := exists("/sys/module/" + name + "/initstate")
	builtIn := kernel.DefinesFunc(function, f.Kernel.BTF) || !loaded && exists("/sys/module/"+name)
	return Module{Loaded: loaded, BuiltIn: builtIn, Described: builtIn || exists("/sys/kernel/btf/"+name)}
}

// moduleState is for modules without a known function: a built-in one without parameters looks as if it were not loaded.
func (f *Findings) moduleState(name string) (loaded, described bool) {
	m := f.findModule(name, "")
	return m.Loaded || m.BuiltIn, m.Described
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (f *Findings) findConntrack() {
	specs, err := kernel.ModuleTypes(f.Kernel.BTF, "nf_conntrack")
	f.Conntrack = err == nil && kernel.Describes("nf_conn", append(specs, f.Kernel.BTF)...)
	module := f.findModule("nf_conntrack", "nf_conntrack_in")
	f.ConntrackLoaded = module.Loaded || module.BuiltIn
}

// findPlans makes a plan for each backend, and one that traces returns with the best backend.
func (f *Findings) findPlans() {
	f.Plans = map[kernel.Backend]Planned{}
	facts := withoutModules(f.Kernel)
	for _, b := range kernel.Backends {
		f.Plans[b] = planned(b, facts)
	}
	p, err := plan.New(plan.Options{Record: plan.Record{Return: true}}, facts)
	if err == nil {
		f.Returns = p.Returns
	}
}

// withoutModules leaves out the functions of modules, which were gathered for the causes of drops. A trace without options
// does not attach to them.
func withoutModules(facts *kernel.Facts) *kernel.Facts {
	some := *facts
	some.Functions = slices.DeleteFunc(slices.Clone(facts.Functions), func(f kernel.Function) bool { return f.Module != "" })
	return &some
}

func planned(b kernel.Backend, facts *kernel.Facts) Planned {
	if reason := facts.Support[b]; reason != nil {
		return Planned{Reason: reason}
	}
	p, err := plan.New(plan.Options{Backend: b}, facts)
	if err != nil {
		return Planned{Reason: err}
	}
	return Planned{Functions: len(p.Functions), Tracepoints: len(p.Tracepoints)}
}

// findConfig reads the kernel's configuration from one of the usual files, if there is one.
func findConfig(release string) (file string, config map[string]string) {
	for _, file := range []string{"/proc/config.gz", "/boot/config-" + release, "/lib/modules/" + release + "/config"} {
		if config, err := readConfig(file); err == nil {
			return file, config
		}
	}
	return "", nil
}

func readConfig(path string) (map[string]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if filepath.Ext(path) != ".gz" {
		return parseConfig(file)
	}
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	return parseConfig(unpacked)
}

var errNoConfig = errors.New("no configuration of a kernel")

// parseConfig reads lines such as CONFIG_BPF=y; options that are not set are comments.
func parseConfig(r io.Reader) (map[string]string, error) {
	config := map[string]string{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), "="); ok && strings.HasPrefix(name, "CONFIG_") {
			config[name] = value
		}
	}
	if len(config) == 0 {
		return nil, errors.Join(errNoConfig, lines.Err())
	}
	return config, lines.Err()
}
