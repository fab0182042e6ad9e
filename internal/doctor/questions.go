// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
)

// question is one check: ask makes its row of the report from the findings.
type question struct {
	group, name string
	ask         func(*Findings) outcome
}

// The groups, in the order of the report.
const (
	system     = "system"
	privileges = "privileges"
	knowledge  = "kernel data"
	backends   = "backends"
	features   = "features"
	limits     = "limits"
	verdict    = "verdict"
)

// questions returns all questions in the order of the report.
func questions() []question {
	list := []question{
		{system, "tracer", func(f *Findings) outcome { return fine(f.Version) }},
		{system, "kernel", func(f *Findings) outcome { return fine(f.Release + " (" + f.Arch + ")") }},
		{system, "user", askUser},
		{system, "lockdown", askLockdown},
	}
	for _, c := range kernel.Capabilities {
		list = append(list, question{privileges, c.Name, func(f *Findings) outcome { return f.capability(c) }})
	}
	list = append(list,
		question{knowledge, "kernel types", askTypes},
		question{knowledge, "module types", askModules},
		question{knowledge, "addresses", askSymbols},
		question{knowledge, "memory", askCore},
		question{knowledge, "tracefs", askTracefs},
		question{knowledge, "variables", askContexts},
		question{knowledge, "configuration", askConfig},
	)
	for _, b := range kernel.Backends {
		list = append(list, question{backends, string(b), func(f *Findings) outcome { return f.backend(b) }})
	}
	return append(list,
		question{features, "ring buffer", askRing},
		question{features, "returns", askReturns},
		question{features, "drops", askDrops},
		question{features, "causes", askCauses},
		question{features, "cheap reading", askDirect},
		question{features, "BPF programs", askPrograms},
		question{features, "tail calls", askTailCalls},
		question{features, "conntrack", askConntrack},
		question{features, "nftables", askTables},
		question{limits, "locked memory", askLockedMemory},
		question{limits, "open files", askOpenFiles},
		question{limits, "unprivileged", askUnprivileged},
		question{verdict, "tracing", askVerdict},
	)
}

func askUser(f *Findings) outcome {
	who := fmt.Sprintf("uid %d", f.UID)
	if f.UID == 0 {
		who = "root"
	}
	if !f.Namespaced {
		return fine(who)
	}
	return outcome{
		Limited, who + " in a user namespace",
		"the kernel ignores capabilities that are held only inside a user namespace",
		"run tracer in the initial user namespace, for example directly on the host",
	}
}

func askLockdown(f *Findings) outcome {
	lockdown := f.Lockdown
	if lockdown == "" && f.isRefusedMemory() {
		lockdown = "confidentiality"
	}
	switch lockdown {
	case "confidentiality":
		return outcome{
			Missing, lockdown, "BPF programs may not read kernel memory, so nothing can be traced",
			"boot without lockdown=confidentiality on the kernel's command line, or with lockdown=integrity",
		}
	case "none":
		return fine("none")
	case "":
		return fine("unknown: the kernel has no lockdown, or /sys/kernel/security is not mounted")
	}
	return fine(lockdown + ", which allows BPF programs to read kernel memory")
}

// isRefusedMemory reports whether a backend does not work because BPF programs may not read kernel
// memory.
func (f *Findings) isRefusedMemory() bool {
	return slices.ContainsFunc(kernel.Backends, func(b kernel.Backend) bool {
		return errors.Is(f.Plans[b].Reason, kernel.ErrLockedDown)
	})
}

func (f *Findings) capability(c kernel.Capability) outcome {
	switch {
	case f.Capabilities.Has(c.Number):
		return fine("held")
	case f.Capabilities.Allows(c):
		return fine("not held, but another capability covers it")
	case c.Number == unix.CAP_DAC_READ_SEARCH && f.UID == 0:
		return fine("not held; root rarely needs it")
	case c.Number == unix.CAP_SYS_RESOURCE && askLockedMemory(f).state == OK && askOpenFiles(f).state == OK:
		return fine("not held; the limits are high enough")
	}
	state := Limited
	if c.Required {
		state = Missing
	}
	return outcome{state, "not held: needed " + c.For, c.Without, f.grant(c.Name)}
}

// grant returns how to give the process these capabilities.
func (f *Findings) grant(names ...string) string {
	if f.UID == 0 {
		return "add " + strings.Join(names, " and ") + " to the container or service (docs/privileges.md)"
	}
	list := strings.ToLower(strings.Join(names, ","))
	return fmt.Sprintf("run as root, or `setcap %s+ep tracer` (docs/privileges.md)", list)
}

func askTypes(f *Findings) outcome {
	if f.NoTypes == nil {
		return fine(fmt.Sprintf("BTF of vmlinux, with %d tracepoints that take an sk_buff", len(f.Kernel.Tracepoints)))
	}
	return outcome{Missing, f.NoTypes.Error(), "nothing can be traced", cmp.Or(hint(f.NoTypes), "boot a kernel with CONFIG_DEBUG_INFO_BTF=y")}
}

func askModules(f *Findings) outcome {
	found := fmt.Sprintf("BTF of %d of %d loaded modules", f.Described, f.Modules)
	if f.Modules == 0 {
		return fine("no module is loaded")
	}
	if f.Described > 0 {
		return fine(found)
	}
	return outcome{
		Limited, found, "functions and types of modules are unknown (--kmods, --all-kmods)",
		"boot a kernel of 5.11 or newer with CONFIG_DEBUG_INFO_BTF_MODULES=y",
	}
}

// facts returns the facts about the kernel. Without BTF there are none; then NoTypes is the reason for
// everything that is missing.
func (f *Findings) facts() *kernel.Facts {
	if f.Kernel == nil {
		return &kernel.Facts{Closed: f.NoTypes, PagesUnknown: f.NoTypes, NoSession: f.NoTypes, NoDirect: f.NoTypes, Untraceable: f.NoTypes}
	}
	return f.Kernel
}

func askSymbols(f *Findings) outcome {
	if f.facts().Symbols != nil {
		return fine("/proc/kallsyms shows the addresses of functions")
	}
	o := outcome{
		Limited, "/proc/kallsyms hides the addresses of functions", "only tracepoints are traced; code is shown as addresses instead of names", f.grant("CAP_SYSLOG"),
	}
	if f.Settings["kernel.kptr_restrict"] == "2" {
		o.found += " from every user (kernel.kptr_restrict is 2)"
		o.remedy = "`sysctl kernel.kptr_restrict=1`"
	}
	return o
}

func askCore(f *Findings) outcome {
	facts := f.facts()
	cost := "filters do not see bytes in page fragments, which hold TCP payload; tracer starts more slowly"
	switch {
	case facts.Closed == nil && facts.PagesUnknown == nil:
		return fine("/proc/kcore can be read")
	case facts.Closed == nil:
		return outcome{Limited, "/proc/kcore: " + facts.PagesUnknown.Error(), "filters do not see bytes in page fragments, which hold TCP payload", "report this with the kernel release (uname -r)"}
	case errors.Is(facts.Closed, fs.ErrNotExist):
		return outcome{Limited, "there is no /proc/kcore", cost, "boot a kernel with CONFIG_PROC_KCORE=y"}
	case errors.Is(facts.Closed, fs.ErrPermission) && f.lacksForCore():
		return outcome{Limited, "/proc/kcore can't be opened by this user", cost, f.grant("CAP_SYS_RAWIO", "CAP_DAC_READ_SEARCH")}
	}
	return outcome{
		Limited, facts.Closed.Error(), cost,
		"boot without lockdown, or make the file visible in the container (Docker: --security-opt systempaths=unconfined)",
	}
}

func (f *Findings) lacksForCore() bool {
	readsAll := f.UID == 0 || f.Capabilities.Has(unix.CAP_DAC_READ_SEARCH) || f.Capabilities.Has(unix.CAP_DAC_OVERRIDE)
	return !f.Capabilities.Has(unix.CAP_SYS_RAWIO) || !readsAll
}

func askTracefs(f *Findings) outcome {
	switch {
	case f.NoTracefs == nil:
		return fine("ftrace's list of functions can be read")
	case f.Kernel != nil && f.facts().ListReadable == nil:
		return fine("ftrace's list of functions can't be read; the code of functions shows the same")
	}
	remedy := "`mount -t tracefs tracefs /sys/kernel/tracing`"
	switch {
	case !errors.Is(f.NoTracefs, fs.ErrPermission):
	case f.UID == 0:
		remedy = "allow access: lockdown, a container or a security module forbids it; not needed if /proc/kcore can be read"
	default:
		remedy = "run as root, or with CAP_DAC_READ_SEARCH"
	}
	return outcome{Limited, f.NoTracefs.Error(), "tracer does not know beforehand which functions the kernel refuses to attach to", remedy}
}

func askContexts(f *Findings) outcome {
	err := f.facts().ContextsUnknown
	switch {
	case err == nil && f.Arch != "amd64":
		return fine("not needed on " + f.Arch)
	case err == nil:
		return fine("the interrupt context of each CPU can be read")
	}
	return outcome{
		Limited, err.Error(), "filters by process or control group match only packets with a socket",
		cmp.Or(hint(err), "boot a kernel with CONFIG_KALLSYMS_ALL=y"),
	}
}

// options are the configuration options that tracer uses.
var options = []string{
	"CONFIG_BPF_SYSCALL", "CONFIG_BPF_JIT", "CONFIG_BPF_EVENTS", "CONFIG_DEBUG_INFO_BTF", "CONFIG_DEBUG_INFO_BTF_MODULES", "CONFIG_KPROBE_EVENTS",
	"CONFIG_FPROBE", "CONFIG_FUNCTION_TRACER", "CONFIG_KALLSYMS_ALL", "CONFIG_PROC_KCORE",
}

func askConfig(f *Findings) outcome {
	if f.Config == nil {
		return fine("neither /proc/config.gz nor /boot/config-" + f.Release + " can be read; not needed")
	}
	var off []string
	for _, option := range options {
		if f.Config[option] == "" {
			off = append(off, option)
		}
	}
	if off == nil {
		return fine(fmt.Sprintf("%s sets all %d options that tracer uses", f.ConfigFile, len(options)))
	}
	return outcome{
		Limited, f.ConfigFile + " does not set: " + strings.Join(off, ", "),
		"see the other rows; older kernels do not have all of these options", "nothing if the other rows are fine; otherwise boot a kernel that sets these options",
	}
}

// remedy returns how to fix an error: its hint, or else fallback. If required capabilities are missing, adding
// them is the remedy.
func (f *Findings) remedy(err error, fallback string) string {
	for _, c := range f.Capabilities.Lacking() {
		if c.Required {
			return "add the capabilities that are missing above"
		}
	}
	return cmp.Or(hint(err), fallback)
}

// hint returns the hint of an error, if it has one.
func hint(err error) string {
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) {
		return hinted.Hint()
	}
	return ""
}
