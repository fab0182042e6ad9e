// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Capability is a Linux capability that tracer uses.
type Capability struct {
	Name   string
	Number uint
	// Instead is another capability that includes this one, or Number if there is none.
	Instead uint
	// Required is set if nothing can be traced without it.
	Required bool
	// For is its use, Without is what happens without it, and Kept is the condition under which it is kept while
	// tracing; empty means never. Each is a clause for users.
	For, Without, Kept string
}

// Capabilities are all capabilities that tracer uses, the most important first. The check at the start, the report of
// `tracer doctor` and docs/privileges.md are made from this table.
//
// CAP_SYS_ADMIN replaces the two that were split off from it in 5.8, but not CAP_SYSLOG.
var Capabilities = []Capability{
	{
		Name: "CAP_BPF", Number: unix.CAP_BPF, Instead: unix.CAP_SYS_ADMIN, Required: true,
		For:     "to load BPF programs and create maps",
		Without: "nothing can be traced",
		Kept:    "with filters for BPF programs; before Linux 5.19, if the sysctl kernel.unprivileged_bpf_disabled is not 0, to read the counters at the end",
	},
	{
		Name: "CAP_PERFMON", Number: unix.CAP_PERFMON, Instead: unix.CAP_SYS_ADMIN, Required: true,
		For:     "to attach BPF programs that read kernel memory",
		Without: "nothing can be traced",
		Kept:    "with filters for BPF programs",
	},
	{
		Name: "CAP_SYSLOG", Number: unix.CAP_SYSLOG, Instead: unix.CAP_SYSLOG,
		For:     "to read the addresses of kernel functions (/proc/kallsyms)",
		Without: "only tracepoints are traced; stacks, callers and drop locations show addresses instead of names",
		Kept:    "with filters for BPF programs",
	},
	{
		Name: "CAP_SYS_ADMIN", Number: unix.CAP_SYS_ADMIN, Instead: unix.CAP_SYS_ADMIN,
		For:     "to trace BPF programs (--filter-trace-tc and the like, --filter-track-bpf-helpers), to find interfaces of another network namespace (--filter-ifname with --filter-netns) and the rules and listeners there (--why), to attach single kprobes if the sysctl kernel.perf_event_paranoid is above 2 (Debian, Ubuntu)",
		Without: "these flags are refused, except --why; without single kprobes tracer uses kprobe-multi or tracepoints",
		Kept:    "with filters for BPF programs, and with causes of drops (--drop, --why)",
	},
	{
		Name: "CAP_SYS_RAWIO", Number: unix.CAP_SYS_RAWIO, Instead: unix.CAP_SYS_RAWIO,
		For:     "to read kernel memory (/proc/kcore; other users than root also need CAP_DAC_READ_SEARCH)",
		Without: "filters do not see bytes in page fragments, and tracer starts more slowly",
	},
	{
		Name: "CAP_DAC_READ_SEARCH", Number: unix.CAP_DAC_READ_SEARCH, Instead: unix.CAP_DAC_OVERRIDE,
		For:     "to read root's files as another user: ftrace's list of functions (tracefs), /proc/kcore, names of Docker's network namespaces, sockets of processes",
		Without: "tracer does not know beforehand which functions the kernel refuses to attach to",
		Kept:    "with --filter-pid and --filter-comm; for users other than root, with --output-netns-names",
	},
	{
		Name: "CAP_SYS_PTRACE", Number: unix.CAP_SYS_PTRACE, Instead: unix.CAP_SYS_PTRACE,
		For:     "to find the open sockets of a process (--filter-pid, --filter-comm), its network namespace (pid:N), and the process of a socket (--why)",
		Without: "a socket is matched with its process only after the process has sent on it; pid:N is refused",
		Kept:    "with --filter-pid and --filter-comm, and with causes of drops (--drop, --why)",
	},
	{
		Name: "CAP_SYS_RESOURCE", Number: unix.CAP_SYS_RESOURCE, Instead: unix.CAP_SYS_RESOURCE,
		For:     "to raise limits: locked memory, which BPF uses before Linux 5.11, and open files, of which each single kprobe needs one",
		Without: "the limits must already be high enough: ulimit -l unlimited, ulimit -n 4096",
	},
}

// CapabilitySet has a bit for each capability, at its number.
type CapabilitySet uint64

// SetOf returns the set of these numbers.
func SetOf(numbers ...uint) (c CapabilitySet) {
	for _, n := range numbers {
		c |= 1 << n
	}
	return c
}

// Has reports whether a number is in the set.
func (c CapabilitySet) Has(number uint) bool { return c>>number&1 == 1 }

// Allows reports whether the set has the capability, or one that replaces it.
func (c CapabilitySet) Allows(one Capability) bool { return c.Has(one.Number) || c.Has(one.Instead) }

// Lacking returns those of [Capabilities] that the set does not allow.
func (c CapabilitySet) Lacking() (lacking []Capability) {
	for _, one := range Capabilities {
		if !c.Allows(one) {
			lacking = append(lacking, one)
		}
	}
	return lacking
}

// lacksRequired returns the required capabilities that the set does not allow.
func (c CapabilitySet) lacksRequired() (lacking []Capability) {
	for _, one := range c.Lacking() {
		if one.Required {
			lacking = append(lacking, one)
		}
	}
	return lacking
}

// CheckPrivileges returns an error if this process is not allowed to trace anything.
func CheckPrivileges() error {
	set, err := Effective()
	if err != nil {
		return err
	}
	if lacking := set.lacksRequired(); len(lacking) > 0 {
		return &hinted{
			msg:  "not permitted: lacking " + strings.Join(names(lacking), " and "),
			hint: "run as root, or with CAP_BPF, CAP_PERFMON and CAP_SYSLOG; `tracer doctor` explains each",
		}
	}
	return nil
}

func names(list []Capability) []string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = c.Name
	}
	return out
}

// Effective returns the effective capabilities of the calling thread.
func Effective() (CapabilitySet, error) {
	effective, _, err := OwnCapabilities()
	return effective, err
}

// OwnCapabilities returns the effective and the permitted capabilities of the calling thread. All
// threads have the same ones, except during a call of privilege.Without.
func OwnCapabilities() (effective, permitted CapabilitySet, err error) {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return 0, 0, fmt.Errorf("capget: %w", err)
	}
	return joinHalves(data[0].Effective, data[1].Effective), joinHalves(data[0].Permitted, data[1].Permitted), nil
}

func joinHalves(low, high uint32) CapabilitySet { return CapabilitySet(high)<<32 | CapabilitySet(low) }
