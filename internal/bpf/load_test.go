// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"errors"
	"os"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/rlimit"

	"tracer/internal/ktest"
)

// fixedFilter is a filter that reads only at fixed offsets. It returns a byte of the packet, so that the verifier
// has to check the code for both results.
func fixedFilter() asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R0, asm.R1, 13, asm.Byte),
		asm.Return(),
	}
}

// computedFilter is a filter that also reads at a computed offset.
func computedFilter() asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMem(asm.R2, asm.R6, 23, asm.Byte),
		asm.And.Imm(asm.R2, 0x3c),
		asm.Mov.Imm(asm.R3, 2),
		asm.Call.Label("load_packet"),
		asm.Return(),
	}
}

// allPrograms returns a program of each template. Programs on tracepoints have parameters, and programs on
// functions have the arguments of hook functions.
func allPrograms(t *testing.T) []Program {
	t.Helper()
	templates, err := Templates()
	if err != nil {
		t.Fatal(err)
	}
	var programs []Program
	for name := range templates {
		if isTracer(name) {
			continue
		}
		p := Program{Name: name, Template: name, Argument: 1, Lookup: true}
		if name[0] == 't' {
			p.Tracepoint = &TracepointParams{Number: 7, Location: 1, Reason: 2, Drop: true}
		} else {
			p.HookCall = HookCall{State: 3, Object: 1, Hook: true}
		}
		programs = append(programs, p)
	}
	return programs
}

// hookPrograms returns a program for functions with the skb in each register. They have the arguments of hook
// functions of each kind in turn.
func hookPrograms() (programs []Program) {
	for register := 1; register <= 6; register++ {
		p := OnFunctions(register)
		p.Name += "_hook"
		p.Lookup, p.Quiet = true, register%2 == 0
		p.HookCall = HookCall{State: 3, Object: 1, Kind: uint8(register) % (HookEbtables + 1), Hook: true}
		programs = append(programs, p)
	}
	return programs
}

// everything returns settings with which all code is reachable.
func everything() Config {
	c := Config{
		PageStructs: 1 << 40, PageMemory: 1 << 41, PageShift: 12,
		NetnsInCount: 2, NetnsOutCount: 3, IfnameInCount: 4, IfnameOutCount: 5,
		PidCount: 1, CommCount: 2, CgroupCount: 3, CpuOffsets: 1 << 40, PreemptCount: 64,
		ReasonInCount: 1, ReasonOutCount: uint32(MaxReasons),
		Mark: 1, MarkMask: 1, Need: 64, NeedL2: 64, NeedL3: 80, Watermark: 4096, MaxPerSecond: 10,
		Filter: true, FilterL2: true, FilterL3: true, FilterExpression: true, Xdp: true, FilterXdpExpression: true, Length: true, Vlan: true, Variants: true, First: true,
		Meta: true, Tuple: true, Tunnel: true, Cb: true, Netfilter: true, Conntrack: true, Stack: true, Caller: true,
		Cpus: 2, Ids: true, FollowMatched: true, ByStack: true, FindClones: true, LastDevice: true, CallerCount: uint32(MaxCallers),
		Returns: true, NoSkbFuncs: true, Maps: true, Programs: true, StackSize: 1 << 14, Trampolines: [MaxTrampolines]uint64{1 << 60},
		SkbSize: uint32(MaxSkb), SharedSize: uint32(MaxShared), ValuesSize: uint32(MaxValues), LookupSize: uint32(MaxLookup), XdpValuesSize: uint32(MaxValues),
	}
	c.VxlanPorts[0], c.GenevePorts[0] = 4789, 6081
	for i := range MaxEntries {
		name := NamePattern{Name: [2]uint64{uint64(i), 1}, Mask: [2]uint64{1 << 40, 1 << 20}}
		c.IfnameIn[i], c.IfnameOut[i], c.Comms[i] = name, name, name
		c.NetnsIn[i], c.NetnsOut[i], c.Pids[i] = uint32(0xf0000000+i), uint32(0xf0000100+i), uint32(i)
		c.Cgroups[i] = uint64(i)
	}
	for i := range MaxReasons {
		c.ReasonsIn[i], c.ReasonsOut[i] = uint32(i), uint32(1000+i)
	}
	return c
}

// expression is a filter on the sk_buff, with a label.
func expression() asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R0, asm.R1),
		asm.And.Imm(asm.R0, 1),
		asm.JEq.Imm(asm.R0, 0, "even"),
		asm.Return(),
		asm.Mov.Imm(asm.R0, 2).WithSymbol("even"),
		asm.Return(),
	}
}

// lastValue writes the last byte of the space for values.
func lastValue() asm.Instructions {
	return asm.Instructions{
		asm.StoreImm(asm.R2, int16(MaxValues-4), 1, asm.Word),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	}
}

// eitherWay is a body of IsReturn that makes the verifier check the code for both entries and returns.
func eitherWay() asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R0, asm.R1, 0, asm.DWord),
		asm.And.Imm(asm.R0, 1),
		asm.Return(),
	}
}

// addEntries adds the programs on the entry of BPF programs. It changes their type to raw tracepoint, which may
// call the same helpers, since not every kernel can trace BPF programs.
func addEntries(t *testing.T, spec *ebpf.CollectionSpec, tracers *Tracers) {
	t.Helper()
	for _, name := range []string{SkbProgram, HookProgram, FrameProgram, SkbTail, HookTail, FrameTail} {
		program, err := tracers.For(name, Traced{ID: 7})
		if err != nil {
			t.Fatal(err)
		}
		if program.Type == ebpf.Tracing {
			program.Type, program.AttachType, program.AttachTo = ebpf.RawTracepoint, ebpf.AttachNone, ""
		}
		spec.Programs[name] = program
	}
}

// lookedUp reads the result of a call, and writes the last bytes of the space for look-ups.
func lookedUp() asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R0, asm.R1, int16(8*MaxArguments), asm.DWord),
		asm.StoreMem(asm.R2, int16(MaxLookup-8), asm.R0, asm.DWord),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	}
}

func allBodies() Bodies {
	return Bodies{Filter: computedFilter(), TunnelL2: computedFilter(), TunnelL3: fixedFilter(), Expression: expression(), Values: lastValue(), IsReturn: eitherWay(), Lookup: lookedUp()}
}

// anyPrefilter is a prefilter that reads the sk_buff directly. It returns two bits of the first word, so that the
// verifier has to check the code for all results.
func anyPrefilter(words int32, cast asm.Instruction) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Imm(asm.R2, words),
		cast,
		asm.LoadMem(asm.R0, asm.R0, 0, asm.DWord),
		asm.And.Imm(asm.R0, 3),
		asm.Return(),
	}
}

// TestVerifier loads every program into the running kernel, with settings that reach all code and with others.
func TestVerifier(t *testing.T) {
	withoutStacks := everything()
	withoutStacks.Stack, withoutStacks.Caller = false, false
	idsOnly := everything()
	idsOnly.FollowMatched, idsOnly.FindClones = false, false
	inSession := everything()
	inSession.Session = true
	callersOnly := everything()
	callersOnly.Stack = false
	bodies := allBodies()
	verify(t, map[string]Spec{
		"no settings":            {},
		"all settings":           {Config: everything(), Bodies: bodies},
		"without stacks":         {Config: withoutStacks, Bodies: bodies},
		"callers only":           {Config: callersOnly, Bodies: bodies},
		"packet ids only":        {Config: idsOnly, Bodies: bodies},
		"returns alone":          {Config: Config{Returns: true, StackSize: 1 << 14}},
		"a session":              {Config: inSession, Bodies: bodies},
		"a session alone":        {Config: Config{Returns: true, Session: true, StackSize: 1 << 14}, Bodies: bodies},
		"by stack":               {Config: Config{Ids: true, FollowMatched: true, ByStack: true, Cpus: 2, StackSize: 1 << 14}},
		"no-skb functions alone": {Config: Config{NoSkbFuncs: true, StackSize: 1 << 14, Tuple: true}},
		"look-ups alone":         {Config: Config{LookupSize: uint32(MaxLookup), StackSize: 1 << 14, Tuple: true}, Bodies: Bodies{Lookup: lookedUp()}},
		"maps alone":             {Config: Config{NoSkbFuncs: true, Maps: true, StackSize: 1 << 14, Tuple: true}},
		"drops alone":            {Config: Config{Need: 64, Filter: true, Variants: true, First: true, Meta: true, Tuple: true, Stack: true}, Bodies: Bodies{Filter: computedFilter()}},
		"followed to drops": {Config: Config{Need: 64, Filter: true, Variants: true, First: true, OnlyDrops: true, Ids: true, FollowMatched: true, Cpus: 2, Tuple: true, Conntrack: true},
			Bodies: Bodies{Filter: computedFilter()}},
		"link header only": {Config: Config{Need: 14, Filter: true}, Bodies: Bodies{Filter: fixedFilter()}},
	})
}

// TestVerifierOfNftRules loads the programs that find the nftables rule that dropped a packet. They need the types of
// nftables.
func TestVerifierOfNftRules(t *testing.T) {
	if !hasNftTypes(t) {
		t.Skip("nf_tables is not loaded, or has no BTF")
	}
	verify(t, map[string]Spec{
		"probes":   {Config: nftRules(false)},
		"sessions": {Config: nftRules(true), Bodies: Bodies{IsReturn: eitherWay()}},
	})
}

// hasNftTypes reports whether the kernel has BTF of nftables, in vmlinux or in the loaded module.
func hasNftTypes(t *testing.T) bool {
	t.Helper()
	types, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	_, inKernel := types.AnyTypeByName("nft_do_chain")
	_, inModule := os.Stat("/sys/kernel/btf/nf_tables")
	return inKernel == nil || inModule == nil
}

// nftRules returns settings to find the nftables rule that dropped a packet.
func nftRules(session bool) Config {
	c := Config{Why: true, Decisions: 2, NftPlacement: 1, NftSlot: 1, StackSize: 1 << 14, Session: session, Trampolines: [MaxTrampolines]uint64{1 << 60}}
	c.NftDoChain.Begin, c.NftDoChain.Size = 1<<60, 1<<10
	return c
}

// TestVerifierOfXtRules loads the programs that find the rule of iptables-legacy that dropped a packet. They need the types
// of x_tables.
func TestVerifierOfXtRules(t *testing.T) {
	types, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	_, inKernel := types.AnyTypeByName("xt_table_info")
	if _, inModule := os.Stat("/sys/kernel/btf/x_tables"); inKernel != nil && inModule != nil {
		t.Skip("x_tables is not loaded, or has no BTF")
	}
	verify(t, map[string]Spec{
		"probes":   {Config: xtRules(false, true)},
		"sessions": {Config: xtRules(true, true), Bodies: Bodies{IsReturn: eitherWay()}},
		"one CPU":  {Config: xtRules(false, false)},
	})
}

// xtRules returns settings to find the rule of iptables-legacy that dropped a packet.
func xtRules(session, perCPU bool) Config {
	return Config{
		Why: true, Decisions: 2, XtRules: true, XtPerCpu: perCPU, CpuOffsets: 1 << 60, XtPlacement: 1, XtSlot: 1,
		StackSize: 1 << 14, Session: session, Trampolines: [MaxTrampolines]uint64{1 << 60},
	}
}

// TestVerifierOfDirectReads loads programs that read memory without a helper.
func TestVerifierOfDirectReads(t *testing.T) {
	d := ktest.Direct(t)
	bodies := allBodies()
	bodies.Cast, bodies.Prefilter = d.Call(), anyPrefilter(d.Words, d.Call())
	direct := everything()
	direct.Direct, direct.Prefilter = true, true
	first := Config{Direct: true, Prefilter: true, PrefilterFirst: true, Filter: true, Need: 64, MarkMask: 1, Meta: true, Tuple: true}
	verify(t, map[string]Spec{
		"all settings":    {Config: direct, Bodies: bodies},
		"prefilter first": {Config: first, Bodies: bodies},
	})
}

// verify loads all programs with each of the settings.
func verify(t *testing.T, specs map[string]Spec) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("loading BPF programs needs root")
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
	for name, s := range specs {
		t.Run(name, func(t *testing.T) {
			s.RingSize, s.Following, s.Programs, s.Tracers = 1<<16, 1<<10, allPrograms(t), tracerTemplates
			if name == "all settings" {
				s.Programs = append(s.Programs, hookPrograms()...)
			}
			spec, tracers, err := ReadObject().Collection(s)
			if err != nil {
				t.Fatal(err)
			}
			addEntries(t, spec, tracers)
			collection, err := ebpf.NewCollection(spec)
			if err != nil {
				var long *ebpf.VerifierError
				if errors.As(err, &long) && len(long.Log) > 60 {
					long.Log = long.Log[len(long.Log)-60:]
				}
				t.Fatalf("%+v", err)
			}
			collection.Close()
		})
	}
}
