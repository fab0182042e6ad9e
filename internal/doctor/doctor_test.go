// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
)

// healthy is a machine on which everything works.
func healthy() *Findings {
	return &Findings{
		Version: "v1", Release: "6.18.0", Arch: "amd64",
		Capabilities: ^kernel.CapabilitySet(0),
		Lockdown:     "none",
		Settings:     map[string]string{"kernel.kptr_restrict": "0", "kernel.unprivileged_bpf_disabled": "2"},
		Kernel: &kernel.Facts{
			BTF: &btf.Spec{}, Symbols: &kernel.Symbols{},
			Tracepoints: []kernel.Tracepoint{{Name: "kfree_skb"}, {Name: "netif_rx"}},
			Reasons:     map[uint32]string{3: "SKB_DROP_REASON_NO_SOCKET"},
		},
		Modules: 20, Described: 20, Conntrack: true, ConntrackLoaded: true, Tables: Module{Loaded: true, Described: true},
		Plans: map[kernel.Backend]Planned{
			kernel.KprobeMulti:       {Functions: 1539, Tracepoints: 1},
			kernel.Kprobe:            {Functions: 1539, Tracepoints: 1},
			kernel.TracepointBackend: {Tracepoints: 34},
		},
		Causes:       counted(kernel.KprobeMulti, nil),
		Returns:      kernel.KprobeSession,
		LockedMemory: 8 << 20, OpenFiles: 1 << 20,
	}
}

func answer(t *testing.T, r Report, name string) Check {
	t.Helper()
	i := slices.IndexFunc(r, func(c Check) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no check %q", name)
	}
	return r[i]
}

func TestHealthyMachine(t *testing.T) {
	r := Diagnose(healthy())
	for _, c := range r {
		if c.State != OK || c.Cost != "" || c.Remedy != "" || c.Found == "" {
			t.Errorf("%+v, want state ok", c)
		}
	}
	if err := r.Verdict(); err != nil {
		t.Error(err)
	}
	if got, want := r[len(r)-1].Found, "by kprobe-multi: 1539 functions and 1 tracepoint"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// hinted is an error with a hint.
type hinted struct{ error }

func (hinted) Hint() string { return "do this" }

// noBackend makes all backends fail.
func noBackend(f *Findings, why error) {
	for b := range f.Plans {
		f.Plans[b] = Planned{Reason: why}
	}
}

func TestMissingFeaturesHaveCostAndRemedy(t *testing.T) {
	user := func(f *Findings) { f.UID = 1000 }
	without := func(number uint) func(*Findings) {
		return func(f *Findings) { f.UID, f.Capabilities = 1000, f.Capabilities&^kernel.SetOf(number) }
	}
	why := hinted{errors.New("not built in")}
	for name, tc := range map[string]struct {
		change       func(*Findings)
		check        string
		state        State
		found        string
		cost, remedy string
	}{
		"user namespace": {func(f *Findings) { f.Namespaced = true }, "user", Limited, "root in a user namespace", "ignores capabilities", "in the initial user namespace"},
		"locked down":    {func(f *Findings) { f.Lockdown = "confidentiality" }, "lockdown", Missing, "confidentiality", "nothing can be traced", "lockdown=integrity"},
		"locked down, lockdown unknown": {func(f *Findings) {
			f.Lockdown = ""
			noBackend(f, kernel.ErrLockedDown)
		}, "lockdown", Missing, "confidentiality", "nothing can be traced", "lockdown=integrity"},
		"CAP_BPF":                   {func(f *Findings) { f.Capabilities, f.UID = 0, 1000 }, "CAP_BPF", Missing, "not held: needed to load BPF programs", "nothing can be traced", "setcap cap_bpf+ep"},
		"CAP_PERFMON, root":         {func(f *Findings) { f.Capabilities = 0 }, "CAP_PERFMON", Missing, "not held", "nothing can be traced", "add CAP_PERFMON to the container"},
		"CAP_SYSLOG":                {without(unix.CAP_SYSLOG), "CAP_SYSLOG", Limited, "not held", "only tracepoints are traced", "setcap cap_syslog+ep"},
		"no BTF":                    {func(f *Findings) { f.Kernel, f.NoTypes, f.Plans = nil, errors.New("can't read this kernel's BTF"), nil }, "kernel types", Missing, "can't read this kernel's BTF", "nothing can be traced", "CONFIG_DEBUG_INFO_BTF=y"},
		"module types":              {func(f *Findings) { f.Described = 0 }, "module types", Limited, "BTF of 0 of 20 loaded modules", "--kmods", "CONFIG_DEBUG_INFO_BTF_MODULES=y"},
		"addresses":                 {func(f *Findings) { f.Kernel.Symbols = nil; user(f) }, "addresses", Limited, "hides the addresses", "only tracepoints are traced", "setcap cap_syslog+ep"},
		"addresses hidden from all": {func(f *Findings) { f.Kernel.Symbols, f.Settings["kernel.kptr_restrict"] = nil, "2" }, "addresses", Limited, "kernel.kptr_restrict is 2", "only tracepoints are traced", "sysctl kernel.kptr_restrict=1"},
		"no kcore":                  {func(f *Findings) { f.Kernel.Closed = fs.ErrNotExist }, "memory", Limited, "there is no /proc/kcore", "bytes in page fragments", "CONFIG_PROC_KCORE=y"},
		"kcore, no capability":      {func(f *Findings) { without(unix.CAP_SYS_RAWIO)(f); f.Kernel.Closed = fs.ErrPermission }, "memory", Limited, "can't be opened by this user", "bytes in page fragments", "cap_sys_rawio,cap_dac_read_search"},
		"kcore locked":              {func(f *Findings) { f.Kernel.Closed = unix.EPERM }, "memory", Limited, "operation not permitted", "bytes in page fragments", "lockdown"},
		"kcore without pages":       {func(f *Findings) { f.Kernel.PagesUnknown = errors.New("no piece of memory") }, "memory", Limited, "no piece of memory", "bytes in page fragments", "report this"},
		"tracefs":                   {func(f *Findings) { f.NoTracefs, f.Kernel.ListReadable = fs.ErrNotExist, fs.ErrNotExist }, "tracefs", Limited, "file does not exist", "the kernel refuses", "mount -t tracefs"},
		"tracefs, not root":         {func(f *Findings) { f.NoTracefs, f.Kernel.ListReadable = fs.ErrPermission, fs.ErrPermission; user(f) }, "tracefs", Limited, "permission denied", "the kernel refuses", "CAP_DAC_READ_SEARCH"},
		"tracefs, root refused":     {func(f *Findings) { f.NoTracefs, f.Kernel.ListReadable = fs.ErrPermission, fs.ErrPermission }, "tracefs", Limited, "permission denied", "the kernel refuses", "lockdown"},
		"variables":                 {func(f *Findings) { f.Kernel.ContextsUnknown = errors.New("no symbols") }, "variables", Limited, "no symbols", "only packets with a socket", "CONFIG_KALLSYMS_ALL=y"},
		"configuration":             {func(f *Findings) { f.ConfigFile, f.Config = "/boot/config", map[string]string{"CONFIG_BPF_JIT": "y"} }, "configuration", Limited, "CONFIG_FPROBE", "other rows", "these options"},
		"kprobe-multi":              {func(f *Findings) { f.Plans[kernel.KprobeMulti] = Planned{Reason: why} }, "kprobe-multi", Limited, "not built in", "one by one", "do this"},
		"kprobe":                    {func(f *Findings) { f.Plans[kernel.Kprobe] = Planned{Reason: why} }, "kprobe", Limited, "not built in", "none: kprobe-multi works and is better", "do this"},
		"functions": {func(f *Findings) {
			f.Plans[kernel.KprobeMulti], f.Plans[kernel.Kprobe] = Planned{Reason: why}, Planned{Reason: why}
		}, "kprobe", Limited, "not built in", "functions can't be traced", "do this"},
		"every backend": {func(f *Findings) { noBackend(f, why) }, "tracepoint", Missing, "not built in", "nothing can be traced", "do this"},
		"backend without capabilities": {func(f *Findings) {
			f.Capabilities, f.UID = 0, 1000
			noBackend(f, why)
		}, "kprobe", Missing, "not built in", "nothing can be traced", "the capabilities that are missing above"},
		"verdict": {func(f *Findings) { noBackend(f, why) }, "tracing", Missing, "no backend runs", "nothing can be traced", "the rows marked x"},
		"kretprobes": {func(f *Findings) {
			f.Returns, f.Kernel.NoSession = kernel.KretprobeMulti, errors.New("no sessions")
		}, "returns", Limited, "by kretprobe-multi: no sessions", "each call costs more", "6.10"},
		"no returns":                     {func(f *Findings) { f.Returns = "" }, "returns", Limited, "can't be traced", "--output-return", "a backend that traces functions"},
		"no reasons":                     {func(f *Findings) { f.Kernel.Reasons = nil }, "drops", Limited, "without a reason", "fewer causes of drops", "5.17"},
		"no drops":                       {func(f *Findings) { f.Kernel.Tracepoints = nil }, "drops", Limited, "no tracepoint kfree_skb", "--drop", "boot a kernel"},
		"helpers":                        {func(f *Findings) { f.Kernel.NoDirect = kernel.ErrNoCast }, "cheap reading", Limited, "bpf_rdonly_cast", "three times", "6.2"},
		"programs":                       {func(f *Findings) { f.Kernel.Untraceable = errors.New("no trampolines") }, "BPF programs", Limited, "no trampolines", "--filter-trace-tc", "trampolines"},
		"programs without CAP_SYS_ADMIN": {func(f *Findings) { without(unix.CAP_SYS_ADMIN)(f); f.Kernel.Untraceable = why }, "BPF programs", Limited, "not built in", "--filter-trace-tc", "cap_sys_admin"},
		"tail calls":                     {func(f *Findings) { f.Kernel.NoBreakpoints = errors.New("loops") }, "tail calls", Limited, "loops", "tail-called BPF programs", "6.10"},
		"tail calls without programs":    {func(f *Findings) { f.Kernel.Untraceable = why }, "tail calls", Limited, "can't be traced", "tail-called BPF programs", "see the row BPF programs"},
		"conntrack":                      {func(f *Findings) { f.Conntrack = false }, "conntrack", Limited, "nf_conn", "--output-conntrack", "CONFIG_DEBUG_INFO_BTF_MODULES=y"},
		"locked memory":                  {func(f *Findings) { without(unix.CAP_SYS_RESOURCE)(f); f.CountsMemory = true }, "locked memory", Limited, "8192 KiB", "may refuse maps", "ulimit -l unlimited"},
		"ring buffer":                    {func(f *Findings) { f.NoRing = errors.New("the kernel refused a ring buffer") }, "ring buffer", Missing, "refused a ring buffer", "nothing can be traced", "5.8"},
		"verdict without a ring buffer":  {func(f *Findings) { f.NoRing = why }, "tracing", Missing, "no backend runs", "nothing can be traced", "the rows marked x"},
		"nftables":                       {func(f *Findings) { f.Tables.Described = false }, "nftables", Limited, "no BTF", "--output-netfilter", "CONFIG_DEBUG_INFO_BTF_MODULES=y"},
		"open files": {func(f *Findings) {
			without(unix.CAP_SYS_RESOURCE)(f)
			f.Plans[kernel.KprobeMulti], f.OpenFiles = Planned{Reason: why}, 1024
		}, "open files", Limited, "up to 1024", "1539 for all functions", "ulimit -n 1795"},
	} {
		t.Run(name, func(t *testing.T) {
			f := healthy()
			tc.change(f)
			got := answer(t, Diagnose(f), tc.check)
			if got.State != tc.state || !strings.Contains(got.Found, tc.found) || !strings.Contains(got.Cost, tc.cost) || !strings.Contains(got.Remedy, tc.remedy) {
				t.Errorf("%+v, want %+v", got, tc)
			}
			if got.Cost == "" || got.Remedy == "" {
				t.Errorf("%+v has no cost or no remedy", got)
			}
		})
	}
}

// TestModulesThatAreNotLoaded checks that a built-in module is not called one that is not loaded.
func TestModulesThatAreNotLoaded(t *testing.T) {
	for want, change := range map[string]func(*Findings){
		"tables and chains can be shown (--output-netfilter --kmods nf_tables)":      func(*Findings) {},
		"nf_tables is built in: tables and chains can be shown (--output-netfilter)": func(f *Findings) { f.Tables = Module{BuiltIn: true, Described: true} },
		"nf_tables is not loaded":              func(f *Findings) { f.Tables = Module{} },
		"not known without the kernel's types": func(f *Findings) { f.Kernel, f.NoTypes, f.Tables = nil, errors.New("no BTF"), Module{} },
	} {
		f := healthy()
		change(f)
		if got := answer(t, Diagnose(f), "nftables").Found; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestUnneededFeaturesAreOK(t *testing.T) {
	for check, change := range map[string]func(*Findings){
		"CAP_SYS_RESOURCE":    func(f *Findings) { f.Capabilities &^= kernel.SetOf(unix.CAP_SYS_RESOURCE) },
		"CAP_DAC_READ_SEARCH": func(f *Findings) { f.Capabilities &^= kernel.SetOf(unix.CAP_DAC_READ_SEARCH, unix.CAP_DAC_OVERRIDE) },
		"CAP_PERFMON":         func(f *Findings) { f.Capabilities &^= kernel.SetOf(unix.CAP_PERFMON) },
		"module types":        func(f *Findings) { f.Modules, f.Described = 0, 0 },
		"tracefs":             func(f *Findings) { f.NoTracefs = fs.ErrPermission },
		"nftables":            func(f *Findings) { f.Tables = Module{} },
		"conntrack":           func(f *Findings) { f.Conntrack, f.ConntrackLoaded = false, false },
		"lockdown":            func(f *Findings) { f.Lockdown = "integrity" },
		"user":                func(f *Findings) { f.Lockdown, f.UID = "", 1000 },
		"unprivileged":        func(f *Findings) { f.Settings = nil },
		"locked memory":       func(f *Findings) { f.LockedMemory, f.CountsMemory = unix.RLIM_INFINITY, true },
	} {
		f := healthy()
		change(f)
		if got := answer(t, Diagnose(f), check); got.State != OK || got.Cost != "" {
			t.Errorf("%+v, want state ok", got)
		}
	}
}

// TestReportWithoutTypes checks that all rows are present, and that the verdict is not ok.
func TestReportWithoutTypes(t *testing.T) {
	f := healthy()
	f.Kernel, f.Plans, f.Returns, f.NoTypes = nil, nil, "", errors.New("can't read this kernel's BTF")
	r := Diagnose(f)
	if r.Verdict() == nil {
		t.Error("the verdict is ok")
	}
	for _, b := range kernel.Backends {
		if got := answer(t, r, string(b)); got.State != Missing || got.Found != "can't read this kernel's BTF" {
			t.Errorf("%+v, want state missing and the error about BTF", got)
		}
	}
}

func TestNamesAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, q := range questions() {
		if seen[q.name] {
			t.Errorf("two checks are called %q", q.name)
		}
		seen[q.name] = true
	}
}

// mixedReport returns a report with checks in each state, and with long texts.
func mixedReport() Report {
	f := healthy()
	f.Capabilities, f.UID, f.ConfigFile, f.Config = kernel.SetOf(unix.CAP_BPF), 1000, "/boot/config-6.18.0", map[string]string{"CONFIG_BPF_JIT": "y"}
	return Diagnose(f)
}

func TestTextFitsIntoATerminal(t *testing.T) {
	var b bytes.Buffer
	if err := mixedReport().Write(&b, Format{}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		line = strings.TrimSuffix(line, "\n")
		if len(line) > width || strings.TrimRight(line, " ") != line {
			t.Errorf("%d columns: %q", len(line), line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("not plain: %q", line)
		}
	}
	for _, row := range []string{"\n  + CAP_BPF             held\n", "\n  x CAP_PERFMON         not held: ", "\n  ! CAP_SYSLOG          not held: ", "\n                        cost: ", "\nbackends\n"} {
		if !strings.Contains(b.String(), row) {
			t.Errorf("no %q in:\n%s", row, b.String())
		}
	}
}

func TestColorsAreInTextOnly(t *testing.T) {
	var plain, colored, object bytes.Buffer
	for b, format := range map[*bytes.Buffer]Format{&plain: {}, &colored: {Color: true}, &object: {JSON: true, Color: true}} {
		if err := mixedReport().Write(b, format); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(colored.String(), "\x1b[31;1mx\x1b[0m CAP_PERFMON ") {
		t.Errorf("no colour in %q", colored.String())
	}
	bare := colored.String()
	for _, code := range []string{bold, noMore, marks[OK].color, marks[Limited].color, marks[Missing].color} {
		bare = strings.ReplaceAll(bare, code, "")
	}
	if bare != plain.String() {
		t.Errorf("without colours: %q, want %q", bare, plain.String())
	}
	if strings.Contains(object.String(), "\x1b") {
		t.Errorf("colours in %q", object.String())
	}
}

// TestJSONEqualsReport checks that JSON has an object for each row, with the same content.
func TestJSONEqualsReport(t *testing.T) {
	want := mixedReport()
	var b bytes.Buffer
	if err := want.Write(&b, Format{JSON: true}); err != nil {
		t.Fatal(err)
	}
	var got Report
	for line := range strings.Lines(b.String()) {
		var c Check
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&c); err != nil {
			t.Fatal(err)
		}
		got = append(got, c)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestNamesAreEscaped checks names with control characters: a module or a program may have any name.
func TestNamesAreEscaped(t *testing.T) {
	const name = "a\x1b[2J\u009b\u202e\u2028\nb"
	report := Report{{Group: "g", Name: "n", State: OK, Found: name, Cost: name, Remedy: name}}
	for _, format := range []Format{{}, {JSON: true}} {
		var b strings.Builder
		if err := report.Write(&b, format); err != nil {
			t.Fatal(err)
		}
		if text := b.String(); strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
			t.Errorf("%+v: %q", format, text)
		}
	}
}

func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for _, format := range []Format{{}, {JSON: true}} {
		if err := mixedReport().Write(full, format); !errors.Is(err, unix.ENOSPC) {
			t.Errorf("%+v: error %v", format, err)
		}
	}
}
