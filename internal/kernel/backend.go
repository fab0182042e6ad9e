// SPDX-License-Identifier: Apache-2.0

package kernel

import "github.com/cilium/ebpf"

// Backend names a way to run a BPF program when the kernel handles a packet. Its properties are in its
// [BackendDescription]; other packages read that instead of comparing names.
type Backend string

// The names of the backends.
const (
	KprobeMulti       Backend = "kprobe-multi"
	Kprobe            Backend = "kprobe"
	TracepointBackend Backend = "tracepoint"
)

// BackendDescription describes a backend as data.
type BackendDescription struct {
	Backend Backend
	// Functions is set if the backend probes the entries of functions, with programs that read the arguments
	// from registers. Otherwise only raw tracepoints are traced.
	Functions bool
	// AttachType is the attach type of the programs on functions.
	AttachType ebpf.AttachType
	// Returns lists the ways to probe the returns of these functions, best first.
	Returns []ReturnWay
	// Probe is the kind of probe of which each needs a file descriptor; empty if none does.
	Probe string
	// Cost is what the user loses if this backend is used instead of a better one.
	Cost string
	// misses are members of kernel structs. A kernel that has all of them counts every hit for which it ran no
	// program. If the list is empty, no kernel does.
	misses []memberPath
	// try tests the running kernel, and returns why it does not have the backend.
	try func() error
}

// backends describes every backend, best first. The first that works is chosen.
var backends = []BackendDescription{
	{
		// One link for many functions (5.18 with CONFIG_FPROBE).
		Backend: KprobeMulti, Functions: true, AttachType: ebpf.AttachTraceKprobeMulti,
		Returns: []ReturnWay{KprobeSession, KretprobeMulti, Kretprobe},
		misses:  []memberPath{programMisses, multiMisses},
		try:     tryKprobeMulti,
	},
	{
		// One perf event per function. The kernel counts misses, but perf events do not show the counters.
		Backend: Kprobe, Functions: true,
		Returns: []ReturnWay{Kretprobe},
		Probe:   "single kprobe",
		Cost:    "tracer attaches to functions one by one, which takes tens of seconds for all of them",
		try:     tryKprobe,
	},
	{
		// Raw tracepoints that take an skb. They need neither kprobes nor addresses.
		Backend: TracepointBackend,
		Cost:    "functions can't be traced: only tracepoints show the path of a packet",
		misses:  []memberPath{programMisses},
		try:     tryTracepoint,
	},
}

// Backends lists the names of all backends, best first.
var Backends = backendNames()

func backendNames() []Backend {
	names := make([]Backend, len(backends))
	for i, d := range backends {
		names[i] = d.Backend
	}
	return names
}

// Describe returns the description of a backend. For an unknown backend, only the name is set.
func (b Backend) Describe() BackendDescription {
	for _, d := range backends {
		if d.Backend == b {
			return d
		}
	}
	return BackendDescription{Backend: b}
}

// ReturnWay names a way to run a BPF program when a function returns; see [ReturnDescription].
type ReturnWay string

// The ways to probe returns.
const (
	KprobeSession  ReturnWay = "kprobe-session"
	KretprobeMulti ReturnWay = "kretprobe-multi"
	Kretprobe      ReturnWay = "kretprobe"
)

// ReturnDescription describes a way to probe returns as data.
type ReturnDescription struct {
	Way ReturnWay
	// WithEntries is set if one link serves entries and returns: the entry program, whose attach type is
	// AttachType, also runs at the return of every function. Otherwise AttachType is the attach type of a
	// separate return program.
	WithEntries bool
	AttachType  ebpf.AttachType
	// Cost is what the user loses without a better way, and Remedy is how to get one. Both are empty for the
	// best way.
	Cost, Remedy string
	// missing returns why the kernel does not have this way. It is nil if every kernel with the backend has it.
	missing func(*Facts) error
}

const (
	costlyReturns = "each call costs more, and some returns are missed under load (--output-return)"
	wantSessions  = "boot a kernel of 6.10 or newer with CONFIG_FPROBE=y"
)

// returnWays describes every way to probe returns, best first.
var returnWays = []ReturnDescription{
	{
		// One link for entries and returns (6.10 with CONFIG_FPROBE).
		Way: KprobeSession, WithEntries: true, AttachType: ebpf.AttachTraceKprobeSession,
		missing: func(f *Facts) error { return f.NoSession },
	},
	{
		// A second link, for the returns (5.18 with CONFIG_FPROBE).
		Way: KretprobeMulti, AttachType: ebpf.AttachTraceKprobeMulti,
		Cost: costlyReturns, Remedy: wantSessions,
	},
	{
		// A second perf event per function.
		Way:  Kretprobe,
		Cost: costlyReturns, Remedy: wantSessions,
	},
}

// ReturnWays returns the names of all ways to probe returns, best first.
func ReturnWays() []ReturnWay {
	names := make([]ReturnWay, len(returnWays))
	for i, d := range returnWays {
		names[i] = d.Way
	}
	return names
}

// Describe returns the description of a way to probe returns. For an unknown way, only the name is set.
func (w ReturnWay) Describe() ReturnDescription {
	for _, d := range returnWays {
		if d.Way == w {
			return d
		}
	}
	return ReturnDescription{Way: w}
}

// Missing returns why this kernel can't probe returns this way, or nil if it can. It assumes that the backend
// works.
func (d ReturnDescription) Missing(f *Facts) error {
	if d.missing == nil {
		return nil
	}
	return d.missing(f)
}
