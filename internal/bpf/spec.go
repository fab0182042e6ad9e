// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// Names in the object that Go code uses.
const (
	tracepointFunction = "tracepoint_params"
	hookFunction       = "hook_params"
	returnFunction     = "session_returns"
	lookupFunction     = "lookup_flags"
	castFunction       = "cast"
	configVariable     = "CFG"
	wordsVariable      = "ARGUMENT_WORDS"
)

// Spec describes the collection to make from the object.
type Spec struct {
	Config Config
	// Bodies are the compiled filters and expressions of the user.
	Bodies Bodies
	// RingSize is the ring buffer's size in bytes, a power of two and a multiple of the page size.
	RingSize uint32
	Programs []Program
	// Following is the number of sk_buffs that can be followed at a time, if Config enables following.
	Following uint32
	// SkbOps are the operations of functions on followed packets, by the address of the function.
	SkbOps map[uint64]SkbOp
	// Endpoints are the arguments of functions that are a network namespace or a socket, by the address of the
	// function.
	Endpoints map[uint64]EndpointArguments
	// Hooks are the addresses of the probed hook functions of netfilter.
	Hooks []uint64
	// Benign are the drop reasons that can be benign, and when they are.
	Benign map[uint32]BenignKind
	// Sites are the sites of drops, if Config.Why is set.
	Sites Sites
	// Decisions are the functions that decide about packets, if Config.Decisions is not 0.
	Decisions Decisions
	// Tracers are the programs that trace BPF programs.
	Tracers []string
}

// Decisions are the functions that decide about packets, and their decisions (bpf/explain/decision.h).
type Decisions struct {
	// Functions are the probed functions by address, plus IndirectKey for an indirect decision.
	Functions map[uint64]DecisionFunction
	// Params are the settings of each decision, in the order of their numbers.
	Params []DecisionParams
	// Snapshots is the number of decisions with counters.
	Snapshots uint32
}

// DecisionBodies are the expressions of the decisions in one program.
type DecisionBodies struct {
	// Keep returns whether the values of a decision are kept, Read writes these values, Skb writes the packet, and Counters
	// the address of the counters. A body is nil if no decision needs it.
	Keep, Read, Skb, Counters asm.Instructions
}

func (b DecisionBodies) list() []replacement {
	return []replacement{{"keep_decision", b.Keep}, {"read_decision", b.Read}, {"read_decision_skb", b.Skb}, {"read_decision_counters", b.Counters}}
}

// fill sets the contents of the maps of decisions.
func (d Decisions) fill(maps map[string]*ebpf.MapSpec, slots uint32) {
	fillMap(maps[MapDecisionFunctions], d.Functions)
	maps[MapDecisionSlots].MaxEntries = slots
	maps[MapCounterSnapshots].MaxEntries = max(1, d.Snapshots)
	for i, params := range d.Params {
		maps[MapDecisionParams].Contents = append(maps[MapDecisionParams].Contents, ebpf.MapKV{Key: uint32(i), Value: params})
	}
}

// Sites are the sites of drops (bpf/explain/why.h). A set of sites is a bit mask.
type Sites struct {
	// Ranges are the address ranges of the functions, sorted by address, at most MaxSiteRanges-1.
	Ranges []SiteRange
	// Reasons are the sites of each drop reason; NoReason stands for drops on kernels without reasons.
	Reasons map[uint32]uint64
	// Sizes are the sizes in bytes of the values of each site.
	Sizes []uint32
}

// Bodies replace the bodies of functions in the object. A body is nil if Config disables it.
type Bodies struct {
	// Filter, TunnelL2 and TunnelL3 are packet filters, Expression is a filter on the sk_buff.
	Filter, TunnelL2, TunnelL3, Expression asm.Instructions
	// Prefilter decides for most packets whether they match Filter.
	Prefilter asm.Instructions
	// Cast replaces calls of the function cast if Config.Direct is set. It converts a number to a BTF pointer.
	Cast asm.Instruction
	// Values writes Config.ValuesSize bytes.
	Values asm.Instructions
	// IsReturn reports whether a program of a kprobe session is called at a return.
	IsReturn asm.Instructions
	// Lookup writes at most Config.LookupSize bytes, depending on the function that returned.
	Lookup asm.Instructions
	// Site writes the values of a site, at most MaxWhyValues bytes.
	Site asm.Instructions
	// XDPExpression and XDPValues are the filter and the values on the xdp_buff.
	XDPExpression, XDPValues asm.Instructions
}

// replacement is a function of the object and its new body.
type replacement struct {
	function string
	body     asm.Instructions
}

// list returns the replacements in programs that handle an sk_buff.
func (b Bodies) list() []replacement {
	return append(b.onPackets(), replacement{"filter_expression", b.Expression}, replacement{"fill_values", b.Values})
}

// xdpList returns the replacements in programs that handle an xdp_buff.
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

// uncalledBody is the body of functions that the settings disable, so that they are never called.
var uncalledBody = asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()}

// maxSockets is the maximum number of sockets of the processes to trace.
const maxSockets = 1 << 16

// maxStacks is the maximum number of kernel stacks with active calls, and maxCalls is the maximum number of
// calls with stored entry data. With fewer entries per CPU, an LRU map might evict entries that are in use.
func maxStacks() uint32 { return uint32(max(1<<10, runtime.NumCPU()<<7)) }
func maxCalls() uint32  { return 4 * maxStacks() }

// Program is one program to load: a copy of one in the object.
type Program struct {
	// Name is the name of the copy, unique in a Spec.
	Name string
	// Template is the program's name in the object, such as kprobe_skb.
	Template string
	// Argument is the position of the skb: an argument register, from 1, or for programs on a tracepoint an
	// argument, from 0.
	Argument int
	// AttachType is the attach type that the kernel requires at load, such as that of kprobe-multi links.
	AttachType ebpf.AttachType
	// Session means that it runs at entries and at returns, as in a kprobe session (6.10).
	Session bool
	// Tracepoint describes the tracepoint, for programs on tracepoints.
	Tracepoint *TracepointParams
	// HookCall describes the netfilter arguments of the functions of a program.
	HookCall HookCall
	// Lookup means that the functions look something up. Quiet means that they emit only return events, and no
	// entry events.
	Lookup, Quiet bool
	// Decisions are the expressions of a program on functions that decide about packets.
	Decisions DecisionBodies
}

// lookupWord returns the return value of lookup_flags (bpf/explain/lookup.h).
func (p Program) lookupWord() uint64 {
	switch {
	case p.Lookup && p.Quiet:
		return 3
	case p.Lookup:
		return 1
	}
	return 0
}

// HookCall describes the netfilter arguments of functions. It is the return value of hook_params
// (bpf/explain/netfilter.h).
type HookCall struct {
	// State is the argument register of the struct nf_hook_state, and Object the argument register of the object
	// that the function evaluates, from 1; 0 is none. Kind is the kind of the object.
	State, Object int
	Kind          uint8
	// Hook means that the functions are hook functions.
	Hook bool
}

func (h HookCall) word() uint64 {
	word := uint64(h.State) | uint64(h.Object)<<8 | uint64(h.Kind)<<16
	if h.Hook {
		word |= 1 << 24
	}
	return word
}

// TracepointParams is the return value of tracepoint_params (bpf/core/tracepoint.h).
type TracepointParams struct {
	// Number is the index of the tracepoint in the plan.
	Number uint16
	// Location, Reason and Socket are argument positions, from 0; negative if there is no such argument.
	Location, Reason, Socket int
	// Drop is set if the tracepoint reports dropped packets, Consumption if it reports consumed ones, of which only
	// silent drops are emitted.
	Drop, Consumption bool
}

func (t TracepointParams) word() uint64 {
	word := uint64(t.Number) | uint64(uint8(t.Location))<<16 | uint64(uint8(t.Reason))<<24 | uint64(uint8(t.Socket))<<40
	if t.Drop {
		word |= 1 << 32
	}
	if t.Consumption {
		word |= 1 << 33
	}
	return word
}

// The programs for an skb in an argument of a function or tracepoint, which is chosen before loading, and the program
// for functions that take no skb.
const (
	KprobeTemplate     = "kprobe_skb"
	TracepointTemplate = "tracepoint_skb"
	NoSkbTemplate      = "kprobe_no_skb"
)

// OnFunctions returns the program for functions with the skb in an argument register, from 1, or that take no
// skb (0).
func OnFunctions(register int) Program {
	if register == 0 {
		return Program{Name: NoSkbTemplate, Template: NoSkbTemplate}
	}
	return Program{Name: fmt.Sprintf("%s_%d", KprobeTemplate, register), Template: KprobeTemplate, Argument: register}
}

// NoSkbMapTemplate is the program for functions that take no skb, and whose first argument is a BPF map.
const NoSkbMapTemplate = "kprobe_no_skb_map"

// ReturnTemplate is the program for the returns of functions.
const ReturnTemplate = "kprobe_return"

// The programs for functions of BPF maps, by operation. MapReturnTemplate is for the return of look-ups, where the
// value is known.
const (
	MapLookupTemplate  = "kprobe_map_lookup"
	MapElementTemplate = "kprobe_map_element"
	MapUpdateTemplate  = "kprobe_map_update"
	MapDeleteTemplate  = "kprobe_map_delete"
	MapReturnTemplate  = "kprobe_map_return"
)

// servesNoSkb are the programs for functions that take no skb. The value is true if our own programs call the
// functions.
var servesNoSkb = map[string]bool{
	NoSkbTemplate: false, NoSkbMapTemplate: true,
	MapLookupTemplate: true, MapElementTemplate: true, MapUpdateTemplate: true, MapDeleteTemplate: true,
}

// ServesNoSkb reports whether a program is for functions that take no skb.
func ServesNoSkb(template string) bool {
	_, does := servesNoSkb[template]
	return does
}

// CalledByUs reports whether our own programs call the functions that the program is attached to. If so, its
// recursion misses include our own calls, and do not count as missed events.
func CalledByUs(template string) bool { return servesNoSkb[template] || template == MapReturnTemplate }

// The programs for following packets: SkbOpTemplate is for functions that perform an operation on sk_buffs, AllocTemplate
// and AllocReturnTemplate are for the entries and returns of functions that allocate an sk_buff, EndTemplate is for
// tracepoints at the end of an sk_buff, and FreeTemplate for tracepoints that report freed memory.
const (
	SkbOpTemplate       = "kprobe_op"
	AllocTemplate       = "kprobe_alloc"
	AllocReturnTemplate = "kprobe_alloc_return"
	EndTemplate         = "tracepoint_end"
	FreeTemplate        = "tracepoint_free"
)

// The programs that emit no events, but record data that explains a later drop. Program.Argument is the packet.
// HookTemplate is for hook functions of netfilter, QueuedFreeTemplate for functions that queue packets to be freed
// later, QdiscDropTemplate for the qdisc_drop tracepoint (7.2).
const (
	HookTemplate       = "kprobe_hook"
	QueuedFreeTemplate = "kprobe_queued_free"
	QdiscDropTemplate  = "tracepoint_qdisc_drop"
	// XDPRedirectTemplate is for the tracepoints xdp_redirect_err and xdp_redirect_map_err.
	XDPRedirectTemplate = "tracepoint_xdp_redirect"
)

// The programs on functions that decide about packets. DecisionTemplate is for functions with the packet as an argument;
// IndirectDecisionTemplate reads the packet from an argument; InnerDecisionTemplate is for functions without a packet,
// which belong to a call further out; DecisionReturnTemplate is for returns.
const (
	DecisionTemplate         = "kprobe_decision"
	IndirectDecisionTemplate = "kprobe_decision_indirect"
	InnerDecisionTemplate    = "kprobe_decision_inner"
	DecisionReturnTemplate   = "kprobe_decision_return"
)

// The programs on the functions that evaluate nftables expressions (bpf/entry/nft_rule.h): constants, look-ups, and
// others that can set a verdict. NftReturnTemplate is for their returns, NftRegisterTemplate for nft_register_expr.
const (
	NftImmediateTemplate = "kprobe_decision_nft_immediate"
	NftLookupTemplate    = "kprobe_decision_nft_lookup"
	NftOtherTemplate     = "kprobe_decision_nft_other"
	NftReturnTemplate    = "kprobe_decision_nft_return"
	NftRegisterTemplate  = "kprobe_decision_nft_register"
)

// The programs on the functions that evaluate the rules of iptables-legacy and ebtables (bpf/entry/xt_rule.h):
// Program.Argument of XtTemplate is the packet, XtReturnTemplate is for their returns.
const (
	XtTemplate       = "kprobe_decision_xt"
	XtReturnTemplate = "kprobe_decision_xt_return"
)

// IsSilent reports whether the program with this name is on functions, and is there to follow packets or to explain
// drops. Such programs emit no events, except SkbOpTemplate for functions that are also traced.
func IsSilent(program string) bool {
	return program == SkbOpTemplate || program == AllocTemplate || program == QueuedFreeTemplate || strings.HasPrefix(program, HookTemplate) ||
		strings.HasPrefix(program, DecisionTemplate)
}

// Collection makes the collection that s describes, ready to load. It has only the programs in s, by their names.
// The programs that trace BPF programs are in Tracers.
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

// size sets the sizes of the maps that are used with these settings.
func (s Spec) size(maps map[string]*ebpf.MapSpec) {
	maps[MapEvents].MaxEntries = s.RingSize
	fillMap(maps[MapBenign], s.benignReasons())
	fillMap(maps[MapHookFunctions], s.hookSet())
	if s.Config.Why {
		s.Sites.fill(maps)
	}
	if s.Config.Decisions > 0 {
		s.Decisions.fill(maps, s.Config.Decisions)
	}
	if s.Config.PidCount+s.Config.CommCount > 0 {
		maps[MapSockets].MaxEntries = maxSockets
	}
	if c := s.Config; c.Returns || c.NoSkbFuncs || c.ByStack || c.LookupSize > 0 {
		maps[MapCallstacks].MaxEntries = maxStacks()
	}
	if s.Config.Returns || s.Config.LookupSize > 0 {
		maps[MapRecordedParts].MaxEntries = maxCalls()
	}
	if s.Config.Programs {
		maps[MapRuns].MaxEntries = maxStacks()
	}
	if s.Config.LookupSize > 0 {
		maps[MapLookupArgs].MaxEntries = maxCalls()
	}
	if s.Config.Maps {
		maps[MapMapLookups].MaxEntries = maxStacks()
	}
	if s.Config.Stack || s.Config.Caller || s.Config.Why {
		maps[MapRecordBuffers].MaxEntries = maps[MapScratches].MaxEntries
	}
	if s.Config.Ids {
		s.sizeFollowing(maps)
	}
	fillMap(maps[MapEndpoints], s.Endpoints)
}

// fillMap sets the contents of a map, and its size to their number.
func fillMap[K comparable, V any](m *ebpf.MapSpec, contents map[K]V) {
	m.MaxEntries = uint32(max(1, len(contents)))
	for key, value := range contents {
		m.Contents = append(m.Contents, ebpf.MapKV{Key: key, Value: value})
	}
}

// fill sets the contents of the maps of sites. Unused ranges at the end have the highest address.
func (s Sites) fill(maps map[string]*ebpf.MapSpec) {
	fillMap(maps[MapSiteReasons], s.Reasons)
	ranges := maps[MapSiteRanges]
	ranges.MaxEntries = uint32(MaxSiteRanges)
	for i := range uint32(MaxSiteRanges) {
		r := SiteRange{Begin: math.MaxUint64}
		if int(i) < len(s.Ranges) {
			r = s.Ranges[i]
		}
		ranges.Contents = append(ranges.Contents, ebpf.MapKV{Key: i, Value: r})
	}
	for i, size := range s.Sizes {
		maps[MapSiteSizes].Contents = append(maps[MapSiteSizes].Contents, ebpf.MapKV{Key: uint32(i), Value: size})
	}
}

// benignReasons returns the contents of MapBenign, with counters of 0.
func (s Spec) benignReasons() map[uint32]Benign {
	reasons := map[uint32]Benign{}
	for reason, kind := range s.Benign {
		reasons[reason] = Benign{Kind: uint32(kind)}
	}
	return reasons
}

// hookSet returns Hooks as the contents of a map that is used as a set.
func (s Spec) hookSet() map[uint64]uint8 {
	set := map[uint64]uint8{}
	for _, addr := range s.Hooks {
		set[addr] = 1
	}
	return set
}

// maxQueues is the maximum number of packets that are being reassembled from fragments.
const maxQueues = 1 << 12

func (s Spec) sizeFollowing(maps map[string]*ebpf.MapSpec) {
	maps[MapBranches].MaxEntries = s.Following
	maps[MapHeads].MaxEntries = s.Following
	if s.Config.First {
		maps[MapFirsts].MaxEntries = s.Following
		maps[MapDatagrams].MaxEntries = maxQueues
	}
	maps[MapQueues].MaxEntries = maxQueues
	fillMap(maps[MapSkbOps], s.SkbOps)
}

// Templates returns the names of the programs in the object.
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

// constantBody returns a function body that returns a constant.
func constantBody(word uint64) asm.Instructions {
	return asm.Instructions{asm.LoadImm(asm.R0, int64(word), asm.DWord), asm.Return()}
}

// filters reports whether the program applies the filters to a packet. Other programs use the result of one that
// does.
func (p Program) filters() bool {
	without := []string{HookTemplate, QueuedFreeTemplate, QdiscDropTemplate, ReturnTemplate, MapReturnTemplate, AllocTemplate, AllocReturnTemplate, VerdictProgram, HoldersProgram}
	return !ServesNoSkb(p.Template) && !slices.Contains(without, p.Template) && !strings.HasPrefix(p.Template, DecisionTemplate)
}

// optional returns the replacements of functions that only some programs contain.
func (p Program) optional(program *parts, bodies Bodies) []replacement {
	list := []replacement{{lookupFunction, constantBody(p.lookupWord())}, {returnFunction, bodies.IsReturn}, {"fill_lookup", nil}, {"prefilter", bodies.Prefilter}, {"read_site", bodies.Site}}
	list = append(list, p.Decisions.list()...)
	if p.Session || p.Template == ReturnTemplate {
		list[2].body = bodies.Lookup
	}
	return slices.DeleteFunc(list, func(r replacement) bool { return !program.has(r.function) })
}

// object is the parsed object that programs are copied from.
type object struct {
	templates map[string]*ebpf.ProgramSpec
	// words are the indices of the arguments in the context of a probe (struct pt_regs as words), from argument 1 on.
	words  []byte
	folder *folder
}

// word returns the index of the context word with the skb, or -1 if the program has no placeholder for it.
func (o object) word(p Program) (int, error) {
	switch p.Template {
	case TracepointTemplate, QdiscDropTemplate:
		return p.Argument, nil
	case KprobeTemplate, HookTemplate, QueuedFreeTemplate, XtTemplate:
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

// assemble replaces function bodies.
func (p Program) assemble(program *parts, bodies Bodies) error {
	if bodies.Cast.OpCode != 0 {
		program.call(castFunction, bodies.Cast)
	}
	if slices.Contains([]string{FreeTemplate, EndTemplate, XDPRedirectTemplate}, p.Template) { // they read no packet
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
		list = append(list, replacement{tracepointFunction, constantBody(p.Tracepoint.word())})
	case !isTracer(p.Template):
		list = append(list, replacement{hookFunction, constantBody(p.HookCall.word())})
	}
	return list
}
