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
	"strings"

	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// Rights are the capabilities that tracer has a use for, those first that matter most.
func Rights() []kernel.Capability { return kernel.Capabilities }

// Findings are what was found on a machine, before it is judged.
type Findings struct {
	// Version is tracer's, Release the kernel's.
	Version, Release, Arch string
	UID                    int
	Capabilities           kernel.CapabilitySet
	// Namespaced says that the user namespace is not the initial one.
	Namespaced bool
	// Lockdown is none, integrity or confidentiality; empty where the kernel has none.
	Lockdown string
	// Settings are sysctls by name, without those that are not there.
	Settings map[string]string
	// Kernel is what tracing goes by; nil where NoTypes says why not: there is no BTF.
	Kernel  *kernel.Facts
	NoTypes error
	// CountsMemory says that BPF memory counts against the limit of locked memory (before 5.11).
	CountsMemory bool
	// Modules is how many are loaded, Described how many of them have BTF.
	Modules, Described int
	// Conntrack says that the types of connection tracking are known, ConntrackLoaded that
	// it is there at all.
	Conntrack, ConntrackLoaded bool
	// Tables is whether rules of nftables can be told of.
	Tables Module
	// NoRing is why there is no ring buffer.
	NoRing error
	// NoTracefs is why ftrace's list of functions can't be read.
	NoTracefs error
	// Plans are what each backend would do; Returns how returns would be traced, empty if not at all.
	Plans   map[kernel.Backend]Planned
	Returns kernel.ReturnWay
	// LockedMemory and OpenFiles are limits that this process may raise its own to.
	LockedMemory, OpenFiles uint64
	// Config is the kernel's configuration, from the file ConfigFile; nil where there is none.
	Config     map[string]string
	ConfigFile string
}

// Module is what is known of a kernel module; one that is built in has its types in vmlinux.
type Module struct{ Loaded, Described bool }

// Planned is what a backend would attach to.
type Planned struct {
	Functions, Tracepoints int
	// Reason is why it would not.
	Reason error
}

// settings are the sysctls that matter.
var settings = []string{"kernel.kptr_restrict", "kernel.perf_event_paranoid", "kernel.unprivileged_bpf_disabled"}

// Find looks at this machine. It loads small programs to see whether the kernel takes them, as
// tracing does, and lets go of them; nothing of the kernel's own is attached to, and nothing
// stays behind. Its error is ctx's end: what can't be found out is a finding.
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
	f.Kernel, f.NoTypes = kernel.Gather(ctx, kernel.Options{Programs: true})
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f.Kernel != nil {
		f.findConntrack()
		f.findPlans()
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

// readText is empty for a file that can't be read.
func readText(path string) string {
	b, _ := os.ReadFile(path)
	return strings.TrimSpace(string(b))
}

// isNamespaced tells a map of users that is not that of all to themselves.
func isNamespaced(uidMap string) bool {
	return uidMap != "" && strings.Join(strings.Fields(uidMap), " ") != "0 0 4294967295"
}

// chosen is the word in brackets, as in `[none] integrity confidentiality`.
func chosen(text string) string {
	_, rest, _ := strings.Cut(text, "[")
	word, _, _ := strings.Cut(rest, "]")
	return word
}

func (f *Findings) findLimits() {
	f.CountsMemory = countsMemory(f.Release)
	f.LockedMemory, f.OpenFiles = hardLimit(unix.RLIMIT_MEMLOCK), hardLimit(unix.RLIMIT_NOFILE)
}

// countsMemory goes by the version, as there is nothing else to ask without taking up memory.
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

// findModules counts modules that are no part of the kernel itself: these have a state.
func (f *Findings) findModules() {
	loaded, _ := filepath.Glob("/sys/module/*/initstate")
	described, _ := filepath.Glob("/sys/kernel/btf/*")
	f.Modules, f.Described = len(loaded), max(0, len(described)-1) // without vmlinux
	f.Tables = findModule("nf_tables")
}

func findModule(name string) Module {
	loaded := exists("/sys/module/" + name)
	return Module{
		Loaded:    loaded,
		Described: exists("/sys/kernel/btf/"+name) || loaded && !exists("/sys/module/"+name+"/initstate"),
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (f *Findings) findConntrack() {
	specs, err := kernel.ModuleTypes(f.Kernel.BTF, "nf_conntrack")
	f.Conntrack = err == nil && kernel.Describes("nf_conn", append(specs, f.Kernel.BTF)...)
	f.ConntrackLoaded = exists("/sys/module/nf_conntrack")
}

// findPlans asks each backend what it would attach to, and the best one how returns are seen.
func (f *Findings) findPlans() {
	f.Plans = map[kernel.Backend]Planned{}
	for _, b := range kernel.Backends {
		f.Plans[b] = planned(b, f.Kernel)
	}
	p, err := plan.New(plan.Options{Record: plan.Record{Return: true}}, f.Kernel)
	if err == nil {
		f.Returns = p.Returns
	}
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

// findConfig reads the kernel's configuration where it lies; it may lie nowhere.
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

// parseConfig reads lines such as CONFIG_BPF=y; what is not set is a comment.
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
