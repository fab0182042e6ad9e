// SPDX-License-Identifier: Apache-2.0

package kernel

import "github.com/cilium/ebpf"

// Backend is the name of a way to run a BPF program when the kernel handles a packet. What is
// known of it is in its [BackendDescription]: other packages read that, and do not compare names.
type Backend string

// The names of the backends.
const (
	KprobeMulti       Backend = "kprobe-multi"
	Kprobe            Backend = "kprobe"
	TracepointBackend Backend = "tracepoint"
)

// BackendDescription is a backend as data.
type BackendDescription struct {
	Backend Backend
	// Functions means that it probes the entries of functions, with a program that reads their
	// arguments from registers. Without it, only raw tracepoints are traced.
	Functions bool
	// AttachType is that of the programs on functions.
	AttachType ebpf.AttachType
	// Returns are the ways to probe the returns of its functions, best first.
	Returns []ReturnWay
	// Probe is what takes a file descriptor for each function; empty if nothing does.
	Probe string
	// Cost is what the user loses if this backend stands in for a better one.
	Cost string
	// misses are members of kernel structs. The kernel counts every hit for which it ran no
	// program if it has all of them; without any listed it does not.
	misses []memberPath
	// try asks the running kernel for the backend, and returns why it has none.
	try func() error
}

// backends describes every backend, best first: the first that works is chosen.
var backends = []BackendDescription{
	{
		// One link for many functions (5.18 with CONFIG_FPROBE).
		Backend: KprobeMulti, Functions: true, AttachType: ebpf.AttachTraceKprobeMulti,
		Returns: []ReturnWay{KprobeSession, KretprobeMulti, Kretprobe},
		misses:  []memberPath{programMisses, multiMisses},
		try:     tryKprobeMulti,
	},
	{
		// One perf event for each function. The kernel counts their misses where a perf event
		// does not show them.
		Backend: Kprobe, Functions: true,
		Returns: []ReturnWay{Kretprobe},
		Probe:   "single kprobe",
		Cost:    "tracer attaches to functions one by one, which takes tens of seconds for all of them",
		try:     tryKprobe,
	},
	{
		// The raw tracepoints that take an skb. It needs neither kprobes nor addresses.
		Backend: TracepointBackend,
		Cost:    "functions can't be traced: only tracepoints show the path of a packet",
		misses:  []memberPath{programMisses},
		try:     tryTracepoint,
	},
}

// Backends are the names of all backends, best first.
var Backends = backendNames()

func backendNames() []Backend {
	names := make([]Backend, len(backends))
	for i, d := range backends {
		names[i] = d.Backend
	}
	return names
}

// Describe returns what is known of a backend: nothing if there is none of that name.
func (b Backend) Describe() BackendDescription {
	for _, d := range backends {
		if d.Backend == b {
			return d
		}
	}
	return BackendDescription{Backend: b}
}

// ReturnWay is the name of a way to run a BPF program when a function returns; see
// [ReturnDescription].
type ReturnWay string

// The names of these ways.
const (
	KprobeSession  ReturnWay = "kprobe-session"
	KretprobeMulti ReturnWay = "kretprobe-multi"
	Kretprobe      ReturnWay = "kretprobe"
)

// ReturnDescription is a way to trace returns as data.
type ReturnDescription struct {
	Way ReturnWay
	// WithEntries means that one link serves entries and returns: the program of the entry,
	// which is of AttachType then, also runs at the return of every function. Without it,
	// AttachType is that of separate programs.
	WithEntries bool
	AttachType  ebpf.AttachType
	// Cost is what is lost without a better way, Remedy how to get one; empty for the best.
	Cost, Remedy string
	// missing returns why the kernel does not have it; nil if every kernel has that has the
	// backend.
	missing func(*Facts) error
}

const (
	costlyReturns = "each call costs more, and some returns are missed under load (--output-return)"
	wantSessions  = "boot a kernel of 6.10 or newer with CONFIG_FPROBE=y"
)

// returnWays describes every way to trace returns, best first.
var returnWays = []ReturnDescription{
	{
		// One link for entries and returns (6.10 with CONFIG_FPROBE).
		Way: KprobeSession, WithEntries: true, AttachType: ebpf.AttachTraceKprobeSession,
		missing: func(f *Facts) error { return f.NoSession },
	},
	{
		// A link beside that of the entries (5.18 with CONFIG_FPROBE).
		Way: KretprobeMulti, AttachType: ebpf.AttachTraceKprobeMulti,
		Cost: costlyReturns, Remedy: wantSessions,
	},
	{
		// One perf event for each function, beside that of its entry.
		Way:  Kretprobe,
		Cost: costlyReturns, Remedy: wantSessions,
	},
}

// ReturnWays are the names of all ways to trace returns, best first.
func ReturnWays() []ReturnWay {
	names := make([]ReturnWay, len(returnWays))
	for i, d := range returnWays {
		names[i] = d.Way
	}
	return names
}

// Describe returns what is known of a way to trace returns: nothing if there is none of that name.
func (w ReturnWay) Describe() ReturnDescription {
	for _, d := range returnWays {
		if d.Way == w {
			return d
		}
	}
	return ReturnDescription{Way: w}
}

// Missing returns why this kernel can't trace returns that way; nil if it can, where the backend
// works.
func (d ReturnDescription) Missing(f *Facts) error {
	if d.missing == nil {
		return nil
	}
	return d.missing(f)
}
