// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// Names in the object that Go code reaches for.
const (
	tracepointFunction = "tracepoint_params"
	hookFunction       = "hook_params"
	returnFunction     = "session_returns"
	lookupFunction     = "lookup_flags"
	castFunction       = "cast"
	configVariable     = "CFG"
	wordsVariable      = "ARGUMENT_WORDS"
)

// Spec says what to make of the object.
type Spec struct {
	Config Config
	// Bodies are what the user's expressions were compiled to.
	Bodies Bodies
	// RingSize is the ring buffer's size in bytes, a power of two and a multiple of the page size.
	RingSize uint32
	Programs []Program
	// Following is how many packets are followed at a time, where Config says that
	// they are, and Roles is what functions do to them, by address.
	Following uint32
	SkbOps    map[uint64]SkbOp
	// Endpoints says, by address of a function, which arguments carry a network namespace and a
	// socket.
	Endpoints map[uint64]EndpointArguments
	// Hooks are the addresses of the probed hook functions of netfilter.
	Hooks []uint64
	// Benign are the drop reasons that can be benign, and when they are.
	Benign map[uint32]BenignKind
	// Tracers are the programs that trace BPF programs.
	Tracers []string
}

// Bodies replace the bodies of functions in the object; each is nil where Config
// says that it is off.
type Bodies struct {
	// Filter, TunnelL2 and TunnelL3 are filters on packets, Expression is one on the sk_buff.
	Filter, TunnelL2, TunnelL3, Expression asm.Instructions
	// Prefilter tells of most packets whether they match Filter.
	Prefilter asm.Instructions
	// Cast makes a typed pointer of a number, with Config.Direct: what cast is replaced by.
	Cast asm.Instruction
	// Values writes Config.ValuesSize bytes.
	Values asm.Instructions
	// IsReturn tells programs of a session whether they are called at a return.
	IsReturn asm.Instructions
	// Lookup writes at most Config.LookupSize bytes, by the function that returned.
	Lookup asm.Instructions
	// XDPExpression and XDPValues are about the xdp_buff.
	XDPExpression, XDPValues asm.Instructions
}

// replacement is a function of the object and its new body.
type replacement struct {
	function string
	body     asm.Instructions
}

// list is for programs that look at an sk_buff.
func (b Bodies) list() []replacement {
	return append(b.onPackets(), replacement{"filter_expression", b.Expression}, replacement{"fill_values", b.Values})
}

// xdpList is for those that look at an xdp_buff.
func (b Bodies) xdpList() []replacement {
	return append(b.onPackets(), replacement{"filter_xdp_expression", b.XDPExpression}, replacement{"fill_xdp_values", b.XDPValues})
}

func (b Bodies) onPackets() []replacement {
	return []replacement{
		{"filter_packet", b.Filter},
		{"filter_tunnel_l2", b.TunnelL2},
		{"filter_tunnel_l3", b.TunnelL3},
	}
}

// uncalledBody is of functions that the settings leave out.
var uncalledBody = asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}

// rememberedSockets is how many sockets of wanted processes are known at a time.
const rememberedSockets = 1 << 16

// rememberedStacks is how many stacks of the kernel are known at a time on which a
// packet is at work, and rememberedCalls of how many calls on them there are copies.
// With less for a CPU the kernel might give up those in use.
func rememberedStacks() uint32 { return uint32(max(1<<10, runtime.NumCPU()<<7)) }
func rememberedCalls() uint32  { return 4 * rememberedStacks() }

// Program is one program to load: a copy of one in the object.
type Program struct {
	// Name tells copies apart and is unique in a Spec.
	Name string
	// Template is the program's name in the object, such as kprobe_skb.
	Template string
	// Argument is where KprobeTemplate finds the skb, a register from 1, and
	// TracepointTemplate, an argument from 0.
	Argument int
	// AttachType is what the kernel has to know of a program on functions at its load, such as
	// that it is for kprobe-multi links.
	AttachType ebpf.AttachType
	// Session means that it runs at entries and at returns, as in a kprobe session (6.10).
	Session bool
	// Tracepoint is what a tracepoint's program knows of its tracepoint.
	Tracepoint *TracepointParams
	// HookCall is what a function's program knows of the calls in netfilter.
	HookCall HookCall
	// Lookup says that the functions look something up; Quiet ones are told of when they
	// return alone.
	Lookup, Quiet bool
}

// lookupWord is what lookup_flags answers (bpf/explain/lookup.h).
func (p Program) lookupWord() uint64 {
	switch {
	case p.Lookup && p.Quiet:
		return 3
	case p.Lookup:
		return 1
	}
	return 0
}

// HookCall is what hook_params answers (bpf/explain/netfilter.h). Arguments are registers,
// from 1; 0 is none.
type HookCall struct {
	// State is the struct nf_hook_state, Object what a function works on, of the kind Kind.
	State, Object int
	Kind          uint8
	// Hook says that the functions are hook functions, with what is theirs in front.
	Hook bool
}

func (h HookCall) word() uint64 {
	word := uint64(h.State) | uint64(h.Object)<<8 | uint64(h.Kind)<<16
	if h.Hook {
		word |= 1 << 24
	}
	return word
}

// TracepointParams is what tracepoint_params answers (bpf/core/tracepoint.h).
type TracepointParams struct {
	// Number is the tracepoint's in the plan.
	Number uint16
	// Location, Reason and Socket are argument positions, from 0; negative where there is none.
	Location, Reason, Socket int
	// Drop says that the tracepoint tells of dropped packets.
	Drop bool
}

func (f TracepointParams) word() uint64 {
	word := uint64(f.Number) | uint64(uint8(f.Location))<<16 | uint64(uint8(f.Reason))<<24 | uint64(uint8(f.Socket))<<40
	if f.Drop {
		word |= 1 << 32
	}
	return word
}

// The programs that look at an skb where they are told to find it, and the one for
// functions that take none.
const (
	KprobeTemplate     = "kprobe_skb"
	TracepointTemplate = "tracepoint_skb"
	NoSkbTemplate      = "kprobe_no_skb"
)

// OnFunctions is the program for functions with the skb in the given argument register,
// from 1; 0 is for those that take none.
func OnFunctions(register int) Program {
	if register == 0 {
		return Program{Name: NoSkbTemplate, Template: NoSkbTemplate}
	}
	return Program{Name: fmt.Sprintf("%s_%d", KprobeTemplate, register), Template: KprobeTemplate, Argument: register}
}

// NoSkbMapTemplate is the program for those of them whose first argument is a BPF map.
const NoSkbMapTemplate = "kprobe_no_skb_map"

// ReturnTemplate is the program for the returns of functions.
const ReturnTemplate = "kprobe_return"

// The programs for functions of BPF maps, by what these do. What is looked up is known
// when MapReturnTemplate is called.
const (
	MapLookupTemplate  = "kprobe_map_lookup"
	MapElementTemplate = "kprobe_map_element"
	MapUpdateTemplate  = "kprobe_map_update"
	MapDeleteTemplate  = "kprobe_map_delete"
	MapReturnTemplate  = "kprobe_map_return"
)

// servesNoSkb are the programs that tell of functions that take no skb; those that are
// true are on functions that our own programs call.
var servesNoSkb = map[string]bool{
	NoSkbTemplate: false, NoSkbMapTemplate: true,
	MapLookupTemplate: true, MapElementTemplate: true, MapUpdateTemplate: true, MapDeleteTemplate: true,
}

// ServesNoSkb says whether a program tells of functions that take no skb.
func ServesNoSkb(template string) bool {
	_, does := servesNoSkb[template]
	return does
}

// CalledByUs says whether our own programs call the functions that such a program is on.
// What the kernel does not run there says nothing of the packets.
func CalledByUs(template string) bool { return servesNoSkb[template] || template == MapReturnTemplate }

// The programs without a number: SkbOpTemplate is for functions that perform an operation on
// followed packets, AllocTemplate and AllocReturnTemplate for the entries and the returns of
// those that make an sk_buff, EndTemplate for tracepoints that end one, FreeTemplate for
// those that free memory.
const (
	SkbOpTemplate       = "kprobe_op"
	AllocTemplate       = "kprobe_alloc"
	AllocReturnTemplate = "kprobe_alloc_return"
	EndTemplate         = "tracepoint_end"
	FreeTemplate        = "tracepoint_free"
)

// Programs that emit no events but record what explains a later drop, with the packet in Argument:
// HookTemplate is for hook functions of netfilter, QueuedFreeTemplate for functions that queue
// packets to be freed later, QdiscDropTemplate for the qdisc_drop tracepoint (7.2).
const (
	HookTemplate       = "kprobe_hook"
	QueuedFreeTemplate = "kprobe_queued_free"
	QdiscDropTemplate  = "tracepoint_qdisc_drop"
)

// IsSilent reports whether the program on functions that has this name emits no events.
func IsSilent(program string) bool {
	return program == SkbOpTemplate || program == AllocTemplate || program == QueuedFreeTemplate || strings.HasPrefix(program, HookTemplate)
}

// Collection makes the collection that s describes, ready to be loaded. It has
// the programs of s under their names, and no other. Those that trace BPF programs are
// apart.
func (o *Object) Collection(s Spec) (*ebpf.CollectionSpec, *Tracers, error) {
	spec, err := o.read()
	if err != nil {
		return nil, nil, err
	}
	if err := spec.Variables[configVariable].Set(s.Config.complete()); err != nil {
		return nil, nil, fmt.Errorf("BPF settings: %w", err)
	}
	s.size(spec.Maps)
	from := object{spec.Programs, spec.Variables[wordsVariable].Value, newFolder(spec.Variables[configVariable])}
	tracers, err := newTracers(s, from)
	if err != nil {
		return nil, nil, err
	}
	spec.Programs = make(map[string]*ebpf.ProgramSpec, len(s.Programs))
	for _, p := range s.Programs {
		program, err := p.instantiate(from, s.Bodies)
		if err != nil {
			return nil, nil, err
		}
		spec.Programs[p.Name] = program
	}
	return spec, tracers, nil
}

// size gives room to the maps that the settings make use of.
func (s Spec) size(maps map[string]*ebpf.MapSpec) {
	maps[MapEvents].MaxEntries = s.RingSize
	fillMap(maps[MapBenign], s.benignReasons())
	fillMap(maps[MapHookFunctions], s.hookSet())
	if s.Config.PidCount+s.Config.CommCount > 0 {
		maps[MapSockets].MaxEntries = rememberedSockets
	}
	if c := s.Config; c.Returns || c.NoSkbFuncs || c.ByStack || c.LookupSize > 0 {
		maps[MapCallstacks].MaxEntries = rememberedStacks()
	}
	if s.Config.Returns || s.Config.LookupSize > 0 {
		maps[MapRecordedParts].MaxEntries = rememberedCalls()
	}
	if s.Config.Programs {
		maps[MapRuns].MaxEntries = rememberedStacks()
	}
	if s.Config.LookupSize > 0 {
		maps[MapLookupArgs].MaxEntries = rememberedCalls()
	}
	if s.Config.Maps {
		maps[MapMapLookups].MaxEntries = rememberedStacks()
	}
	if s.Config.Stack || s.Config.Caller {
		maps[MapRecordBuffers].MaxEntries = maps[MapScratches].MaxEntries
	}
	if s.Config.Ids {
		s.sizeFollowing(maps)
	}
	fillMap(maps[MapEndpoints], s.Endpoints)
}

// fillMap sets the contents of a map, and its size to hold just those.
func fillMap[K comparable, V any](m *ebpf.MapSpec, contents map[K]V) {
	m.MaxEntries = uint32(max(1, len(contents)))
	for key, value := range contents {
		m.Contents = append(m.Contents, ebpf.MapKV{Key: key, Value: value})
	}
}

// benignReasons are the contents of MapBenign, with counters of 0.
func (s Spec) benignReasons() map[uint32]Benign {
	reasons := map[uint32]Benign{}
	for reason, kind := range s.Benign {
		reasons[reason] = Benign{Kind: uint32(kind)}
	}
	return reasons
}

// hookSet is Hooks as the contents of a map that is a set.
func (s Spec) hookSet() map[uint64]uint8 {
	set := map[uint64]uint8{}
	for _, addr := range s.Hooks {
		set[addr] = 1
	}
	return set
}

// waitingQueues is how many packets in fragments are put together at a time.
const waitingQueues = 1 << 12

func (s Spec) sizeFollowing(maps map[string]*ebpf.MapSpec) {
	maps[MapBranches].MaxEntries = s.Following
	maps[MapHeads].MaxEntries = s.Following
	if s.Config.First {
		maps[MapFirsts].MaxEntries = s.Following
		maps[MapDatagrams].MaxEntries = waitingQueues
	}
	maps[MapQueues].MaxEntries = waitingQueues
	fillMap(maps[MapSkbOps], s.SkbOps)
}

// Templates are the names of the programs in the object.
func Templates() (map[string]bool, error) {
	spec, err := readObject()
	if err != nil {
		return nil, err
	}
	names := make(map[string]bool, len(spec.Programs))
	for name := range spec.Programs {
		names[name] = true
	}
	return names, nil
}

// answer is a body that returns a word.
func answer(word uint64) asm.Instructions {
	return asm.Instructions{asm.LoadImm(asm.R0, int64(word), asm.DWord), asm.Return()}
}

// filters says whether the program looks at a packet to see if it is wanted; others
// go by what such a program has seen.
func (p Program) filters() bool {
	without := []string{HookTemplate, QueuedFreeTemplate, QdiscDropTemplate, ReturnTemplate, MapReturnTemplate, AllocTemplate, AllocReturnTemplate, VerdictProgram, HoldersProgram}
	return !ServesNoSkb(p.Template) && !slices.Contains(without, p.Template)
}

// optional are the replacements of functions that only some programs call.
func (p Program) optional(program *parts, bodies Bodies) []replacement {
	list := []replacement{{lookupFunction, answer(p.lookupWord())}, {returnFunction, bodies.IsReturn}, {"fill_lookup", nil}, {"prefilter", bodies.Prefilter}}
	if p.Session || p.Template == ReturnTemplate {
		list[2].body = bodies.Lookup
	}
	return slices.DeleteFunc(list, func(r replacement) bool { return !program.has(r.function) })
}

// object is what programs are copied from.
type object struct {
	templates map[string]*ebpf.ProgramSpec
	// words are those of a probe's context that carry arguments, from argument 1.
	words  []byte
	folder *folder
}

// word is the one of the context that a copy of the template reads, -1 where none is chosen.
func (o object) word(p Program) (int, error) {
	switch p.Template {
	case TracepointTemplate, QdiscDropTemplate:
		return p.Argument, nil
	case KprobeTemplate, HookTemplate, QueuedFreeTemplate:
		if p.Argument < 1 || p.Argument > len(o.words) {
			return 0, fmt.Errorf("program %q: no register carries argument %d", p.Name, p.Argument)
		}
		return int(o.words[p.Argument-1]), nil
	}
	return -1, nil
}

func (p Program) instantiate(o object, bodies Bodies) (*ebpf.ProgramSpec, error) {
	template := o.templates[p.Template]
	if template == nil {
		return nil, fmt.Errorf("program %q: no %q in the BPF object", p.Name, p.Template)
	}
	word, err := o.word(p)
	if err != nil {
		return nil, err
	}
	code := split(template.Instructions)
	if err := p.assemble(code, bodies); err != nil {
		return nil, err
	}
	o.folder.fold(code)
	program := *template
	program.Instructions = code.join()
	if !isTracer(p.Template) {
		program.AttachType = p.AttachType
	}
	if word < 0 {
		return &program, nil
	}
	return &program, chooseWord(&program, word)
}

// assemble puts the bodies in place.
func (p Program) assemble(program *parts, bodies Bodies) error {
	if bodies.Cast.OpCode != 0 {
		program.call(castFunction, bodies.Cast)
	}
	if p.Template == FreeTemplate || p.Template == EndTemplate { // they look at no packet
		return nil
	}
	for _, r := range p.replacements(program, bodies) {
		switch {
		case !p.filters() && !program.has(r.function):
			continue
		case r.body == nil:
			r.body = uncalledBody
		}
		if err := program.replace(r.function, r.body); err != nil {
			return err
		}
	}
	return nil
}

func (p Program) replacements(program *parts, bodies Bodies) []replacement {
	list := bodies.list()
	if p.Template == FrameProgram || p.Template == FrameTail {
		list = bodies.xdpList()
	}
	list = append(list, p.optional(program, bodies)...)
	switch {
	case p.Tracepoint != nil:
		list = append(list, replacement{tracepointFunction, answer(p.Tracepoint.word())})
	case !isTracer(p.Template):
		list = append(list, replacement{hookFunction, answer(p.HookCall.word())})
	}
	return list
}
