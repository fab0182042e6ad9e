// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"unsafe"
)

// The record in the ring buffer and the counters, as defined in bpf/core/event.h and bpf/core/maps.h. A record is a
// Core, followed by a Meta if Core.Parts has PartMeta, and so on in the order of the bits. Config has the sizes of
// the copies of kernel objects. The stack takes the rest of the record.
type (
	Core      = tracerRecordCore
	Meta      = tracerRecordMeta
	Tuple     = tracerRecordTuple
	First     = tracerRecordFirst
	Tunnel    = tracerRecordTunnel
	CB        = tracerRecordCb
	Lineage   = tracerRecordLineage
	Return    = tracerRecordReturn
	Hook      = tracerRecordHook
	Conntrack = tracerRecordConntrack
	Map       = tracerRecordMap
	Head      = tracerRecordHead
	Packet    = tracerRecordPacket
	Direction = tracerRecordDirection
	Counters  = tracerCounters
	Arguments = tracerArguments
)

// The values of Core.Kind.
const (
	KindFunction   = uint8(tracerRecordKindRECORD_FUNCTION)
	KindTracepoint = uint8(tracerRecordKindRECORD_TRACEPOINT)
	KindReturn     = uint8(tracerRecordKindRECORD_RETURN)
	KindProgram    = uint8(tracerRecordKindRECORD_PROGRAM)
	KindVerdict    = uint8(tracerRecordKindRECORD_VERDICT)
	KindLookup     = uint8(tracerRecordKindRECORD_LOOKUP)
)

// The bits of Core.Flags.
const (
	ByTailCall = uint8(tracerRecordFlagBY_TAIL_CALL)
	BenignDrop = uint8(tracerRecordFlagBENIGN_DROP)
	SilentDrop = uint8(tracerRecordFlagSILENT_DROP)
)

// The bits of Core.Parts.
const (
	PartMeta      = uint32(tracerRecordPartPART_META)
	PartTuple     = uint32(tracerRecordPartPART_TUPLE)
	PartDrop      = uint32(tracerRecordPartPART_DROP)
	PartReason    = uint32(tracerRecordPartPART_REASON)
	PartTunnel    = uint32(tracerRecordPartPART_TUNNEL)
	PartCB        = uint32(tracerRecordPartPART_CB)
	PartSkb       = uint32(tracerRecordPartPART_SKB)
	PartShared    = uint32(tracerRecordPartPART_SHARED)
	PartValues    = uint32(tracerRecordPartPART_VALUES)
	PartArguments = uint32(tracerRecordPartPART_ARGUMENTS)
	PartLineage   = uint32(tracerRecordPartPART_LINEAGE)
	PartReturn    = uint32(tracerRecordPartPART_RETURN)
	PartHook      = uint32(tracerRecordPartPART_HOOK)
	PartMap       = uint32(tracerRecordPartPART_MAP)
	PartLookup    = uint32(tracerRecordPartPART_LOOKUP)
	PartConntrack = uint32(tracerRecordPartPART_CONNTRACK)
	PartHead      = uint32(tracerRecordPartPART_HEAD)
	PartXDPValues = uint32(tracerRecordPartPART_XDP_VALUES)
	PartPacket    = uint32(tracerRecordPartPART_PACKET)
	PartFirst     = uint32(tracerRecordPartPART_FIRST)
	PartWhy       = uint32(tracerRecordPartPART_WHY)
	PartStack     = uint32(tracerRecordPartPART_STACK)
)

// The values of First.By.
const (
	FirstUnknown    = uint8(tracerFirstByFIRST_UNKNOWN)
	FirstFollowed   = uint8(tracerFirstByFIRST_FOLLOWED)
	FirstConnection = uint8(tracerFirstByFIRST_CONNECTION)
	FirstTranslated = uint8(tracerFirstByFIRST_TRANSLATED)
	FirstInner      = uint8(tracerFirstByFIRST_INNER)
	FirstQuoted     = uint8(tracerFirstByFIRST_QUOTED)
)

// The bits of Tuple.Has.
const (
	HasPorts    = uint8(tracerTupleHasTUPLE_PORTS)
	HasFragment = uint8(tracerTupleHasTUPLE_FRAGMENT)
	HasEcho     = uint8(tracerTupleHasTUPLE_ECHO)
	HasLLC      = uint8(tracerTupleHasTUPLE_LLC)
	HasSNAP     = uint8(tracerTupleHasTUPLE_SNAP)
	HasTCP      = uint8(tracerTupleHasTUPLE_TCP)
	HasTCPFlags = uint8(tracerTupleHasTUPLE_TCP_FLAGS)
	HasICMP     = uint8(tracerTupleHasTUPLE_ICMP)
)

// The bits of Hook.Has.
const (
	HasState    = uint8(tracerHookHasHOOK_STATE)
	HasPriority = uint8(tracerHookHasHOOK_PRIORITY)
)

// The values of Hook.Object: the kind of object that a hook function evaluates.
const (
	HookPlain    = uint8(tracerHookObjectHOOK_PLAIN)
	HookNFT      = uint8(tracerHookObjectHOOK_NFT)
	HookXtables  = uint8(tracerHookObjectHOOK_XTABLES)
	HookEbtables = uint8(tracerHookObjectHOOK_EBTABLES)
)

// The values of Map.Operation, and the space for key and value in bytes.
const (
	OperationLookup = uint8(tracerMapOperationMAP_LOOKUP)
	OperationUpdate = uint8(tracerMapOperationMAP_UPDATE)
	OperationDelete = uint8(tracerMapOperationMAP_DELETE)
	MaxMapKey       = int(tracerMapLimitMAX_MAP_KEY)
	MaxMapValue     = int(tracerMapLimitMAX_MAP_VALUE)
)

// The bits of Conntrack.Has.
const (
	HasInfo  = uint8(tracerConntrackHasCONNTRACK_INFO)
	HasEntry = uint8(tracerConntrackHasCONNTRACK_ENTRY)
	HasMark  = uint8(tracerConntrackHasCONNTRACK_MARK)
	HasZone  = uint8(tracerConntrackHasCONNTRACK_ZONE)
	// HasInvalid means that connection tracking has seen the packet, and that it belongs to no connection.
	HasInvalid = uint8(tracerConntrackHasCONNTRACK_INVALID)
)

// The settings of the programs (bpf/core/config.h).
type (
	Config      = tracerConfig
	NamePattern = tracerNamePattern
)

// The operations that functions perform on followed packets (bpf/follow/skb_op.h), and the callers that give the
// origin of copies.
type (
	SkbOp     = tracerSkbOp
	SkbOpKind = tracerSkbOpKind
	// EndpointArguments are the argument registers of a function that carry a network namespace
	// and a socket, from 1; 0 is none.
	EndpointArguments = tracerEndpointArguments
	Origin            = tracerOrigin
	Caller            = tracerCaller
	Branch            = tracerBranch
)

// The kinds of operations.
const (
	OpCopy        = tracerSkbOpKindOP_COPY
	OpSplit       = tracerSkbOpKindOP_SPLIT
	OpMerge       = tracerSkbOpKindOP_MERGE
	OpQueue       = tracerSkbOpKindOP_QUEUE
	OpReassemble  = tracerSkbOpKindOP_REASSEMBLE
	OpDropQueue   = tracerSkbOpKindOP_DROP_QUEUE
	OpTunnel      = tracerSkbOpKindOP_TUNNEL
	OpLeaveDevice = tracerSkbOpKindOP_LEAVE_DEVICE
	OpReplaceHead = tracerSkbOpKindOP_REPLACE_HEAD
	OpXDPLend     = tracerSkbOpKindOP_XDP_LEND
	OpXDPTake     = tracerSkbOpKindOP_XDP_TAKE
	OpXDPFree     = tracerSkbOpKindOP_XDP_FREE
	OpXDPReturn   = tracerSkbOpKindOP_XDP_RETURN
	// OpXDPLendSkb is the operation of functions that run XDP programs on an sk_buff.
	OpXDPLendSkb  = tracerSkbOpKindOP_XDP_LEND_SKB
	OpBeginFree   = tracerSkbOpKindOP_BEGIN_FREE
	OpReleaseData = tracerSkbOpKindOP_RELEASE_DATA
	OpEnd         = tracerSkbOpKindOP_END
	OpStealData   = tracerSkbOpKindOP_STEAL_DATA
	OpFreeData    = tracerSkbOpKindOP_FREE_DATA
	OpFree        = tracerSkbOpKindOP_FREE
)

// The ways in which a part of a packet is created. OriginSame means that no part is created.
const (
	OriginClone    = tracerOriginORIGIN_CLONE
	OriginCopy     = tracerOriginORIGIN_COPY
	OriginSegment  = tracerOriginORIGIN_SEGMENT
	OriginFragment = tracerOriginORIGIN_FRAGMENT
	OriginInner    = tracerOriginORIGIN_INNER
	OriginOuter    = tracerOriginORIGIN_OUTER
	OriginXDP      = tracerOriginORIGIN_XDP
	OriginSame     = tracerOriginORIGIN_SAME
)

// The map entry of a drop reason that can be benign (bpf/explain/benign.h).
type (
	Benign     = tracerBenignReason
	BenignKind = tracerBenignKind
)

// The conditions under which a drop is benign.
const (
	BenignAlways  = tracerBenignKindBENIGN_ALWAYS
	BenignForeign = tracerBenignKindBENIGN_FOREIGN
	BenignCloned  = tracerBenignKindBENIGN_CLONED
)

// SiteRange is a function of sites of drops (bpf/explain/why.h).
type SiteRange = tracerSiteRange

const (
	// MaxSites is the number of bits in a set of sites.
	MaxSites = int(tracerWhyLimitMAX_SITES)
	// MaxSiteRanges is the size of the array of functions of sites.
	MaxSiteRanges = int(tracerSiteLimitMAX_SITE_RANGES)
	// MaxWhyValues is the largest size in bytes of the values of a site or decision.
	MaxWhyValues = int(tracerWhyLimitMAX_WHY_VALUES)
	// NoReason is the key in Sites.Reasons of drops on kernels without reasons.
	NoReason = uint32(tracerSiteLimitNO_REASON)
)

// The settings of a probed function, and of a decision in one function (bpf/explain/decision.h).
type (
	DecisionFunction = tracerDecisionFunction
	DecisionParams   = tracerDecisionSetting
)

const (
	// MaxFunctionDecisions is the largest number of decisions of a function at its entry, and at its return.
	MaxFunctionDecisions = len(DecisionFunction{}.AtEntry)
	// MaxDecisions is the largest number of decisions of the table, and of those in all functions.
	MaxDecisions = int(tracerDecisionLimitMAX_DECISIONS)
	// IndirectKey is added to the address of a function in the key in Decisions.Functions of the decision that reads the
	// packet from an argument. A program of its own handles it.
	IndirectKey = uint64(tracerDecisionCallLimitINDIRECT_KEY)
	// OutermostDecision, SilentDropDecision and RewritingDecision are bits of DecisionParams.Flags: a call replaces the values
	// of the calls inside it; the packet ends without a drop; the packet may have other memory or headers at its drop.
	OutermostDecision  = uint16(tracerDecisionFlagDECISION_OUTERMOST)
	SilentDropDecision = uint16(tracerDecisionFlagDECISION_SILENT_DROP)
	RewritingDecision  = uint16(tracerDecisionFlagDECISION_REWRITES)
	// MaxCounters is the number of counters of a decision that can be compared.
	MaxCounters = len(tracerCounterSnapshot{}.Before)
	// MovedOffset is the position of the first value of a decision with counters in its values.
	MovedOffset = int(unsafe.Offsetof(tracerMovedCounter{}.Number))
)

// NftRuleValues are the values of the nftables rule that dropped a packet (bpf/explain/nft_rule.h).
type NftRuleValues = tracerNftRuleValues

// XtRuleValues are the values of the rule of iptables-legacy or ebtables that dropped a packet (bpf/explain/xt_rule.h).
type XtRuleValues = tracerXtRuleValues

// Why is the header of the part with the values that explain a drop.
type Why = tracerRecordWhy

// The sizes of the lists in Config.
const (
	MaxEntries = len(Config{}.NetnsIn)
	MaxReasons = len(Config{}.ReasonsIn)
	MaxPorts   = len(Config{}.VxlanPorts)
	MaxCallers = len(Config{}.Callers)
	// MaxArguments is the maximum number of arguments of a function.
	MaxArguments = len(Arguments{}.Values)
	// MaxTrampolines is the maximum number of trampolines to which probed functions return.
	MaxTrampolines = len(Config{}.Trampolines)
)

// The maximum sizes of copies of kernel objects in bytes, which are multiples of 8.
const (
	MaxSkb    = int(tracerRecordLimitMAX_SKB)
	MaxShared = int(tracerRecordLimitMAX_SHARED)
	MaxValues = int(tracerRecordLimitMAX_VALUES)
	MaxLookup = int(tracerRecordLimitMAX_LOOKUP)
)

// MaxSnaplen is the maximum number of bytes of a packet in a record.
const MaxSnaplen = int(tracerPacketLimitMAX_PACKET) - packetHeader

const packetHeader = int(unsafe.Sizeof(Packet{}))

// PacketSize returns the setting for records with the first n bytes of packets, at most MaxSnaplen.
func PacketSize(n int) uint32 { return uint32(packetHeader + (min(n, MaxSnaplen)+7)&^7) }

// complete sets the total size and the bits of the parts that all records have, as bpf/emit/emit.h fills them.
// It does not include parts that only some records have.
func (c Config) complete() Config {
	c.RecordSize, c.RecordParts = uint32(unsafe.Sizeof(Core{})), 0
	for _, p := range []struct {
		asked bool
		part  uint32
		size  uint32
	}{
		{c.Meta, PartMeta, uint32(unsafe.Sizeof(Meta{}))},
		{c.Tuple, PartTuple, uint32(unsafe.Sizeof(Tuple{}))},
		{c.Tunnel, PartTunnel, uint32(unsafe.Sizeof(Tunnel{}))},
		{c.Cb, PartCB, uint32(unsafe.Sizeof(CB{}))},
		{c.SkbSize > 0, PartSkb, c.SkbSize},
		{c.SharedSize > 0, PartShared, c.SharedSize},
		{c.ValuesSize > 0, PartValues, c.ValuesSize},
		{c.Ids, PartLineage, uint32(unsafe.Sizeof(Lineage{}))},
		{c.Netfilter, PartHook, uint32(unsafe.Sizeof(Hook{}))},
		{c.Conntrack, PartConntrack, uint32(unsafe.Sizeof(Conntrack{}))},
		{c.Xdp, PartHead, uint32(unsafe.Sizeof(Head{}))},
		{c.PacketSize > 0, PartPacket, c.PacketSize},
		{c.First, PartFirst, uint32(unsafe.Sizeof(First{}))},
		{c.Stack || c.Caller, PartStack, 0}, // it follows the record, with its own size
	} {
		if p.asked {
			c.RecordParts |= p.part
			c.RecordSize += p.size
		}
	}
	return c
}
