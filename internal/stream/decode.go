// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"fmt"
	"net/netip"
	"unsafe"

	"tracer/internal/bpf"
	"tracer/internal/event"
)

// Layout has the sizes in bytes of those parts of a record that have no fixed size.
type Layout struct{ Skb, Shared, Values, Lookup, XDPValues, Packet int }

// LayoutOf returns the layout of records that programs with these settings emit.
func LayoutOf(c bpf.Config) Layout {
	return Layout{Skb: int(c.SkbSize), Shared: int(c.SharedSize), Values: int(c.ValuesSize), Lookup: int(c.LookupSize), XDPValues: int(c.XdpValuesSize), Packet: int(c.PacketSize)}
}

// Decoder turns records into events, one after the other. A packet passes through many functions
// unchanged, so a part that is equal to that of the previous record is not decoded again.
type Decoder struct {
	layout   Layout
	event    event.Event
	sections sections
	// parts are the bits of the previous record. meta, tuple and tunnel are its parts, valid if parts has them.
	parts uint32
	// lost is the number of events that the CPU of the previous record had lost.
	lost   uint32
	meta   bpf.Meta
	tuple  bpf.Tuple
	tunnel bpf.Tunnel
	// kept are the versions of meta, tuple and tunnel, and numbers has new ones.
	kept    event.Versions
	numbers versions
	// cleared is true if the event was zeroed, so that it has no data of the previous record.
	cleared bool
}

const (
	// compared are the parts that are compared with the previous record, since they rarely change.
	compared = bpf.PartMeta | bpf.PartTuple | bpf.PartTunnel
	// flags are bits without a part. They define the meaning of members of the core.
	flags = bpf.PartDrop | bpf.PartReason | bpf.PartArguments
	// rewritten are the bits whose members of the event are always overwritten completely, so that they
	// need not be cleared.
	rewritten = compared | flags | bpf.PartLineage | bpf.PartPacket
)

// sections are the memory of the event's sections.
type sections struct {
	tunnel    event.Tunnel
	first     event.FirstTuple
	netfilter event.Netfilter
	conntrack event.Conntrack
	mapCall   event.MapCall
	cb        event.CB
	bytes     event.Bytes
}

// NewDecoder returns a decoder for records of a layout.
func NewDecoder(l Layout) *Decoder { return &Decoder{layout: l} }

// Decode returns the event of a record. It is valid until the next call, since it refers to memory of the
// decoder and of the record.
func (d *Decoder) Decode(record []byte) (*event.Event, error) {
	r := parts{rest: record, size: len(record)}
	core := part[bpf.Core](&r)
	if r.short {
		return nil, r.error()
	}
	e := &d.event
	if d.cleared = core.Parts != d.parts || core.Parts&^rewritten != 0; d.cleared {
		*e = event.Event{}
	}
	if err := decodeCore(core, e); err != nil {
		return nil, err
	}
	d.decodeParts(core.Parts, &r)
	d.parts, d.lost = core.Parts, core.Lost
	return e, r.error()
}

// decodeParts decodes the parts in the order of their bits.
func (d *Decoder) decodeParts(has uint32, r *parts) {
	if has&bpf.PartMeta != 0 {
		d.decodeMeta(part[bpf.Meta](r))
	}
	if has&bpf.PartTuple != 0 {
		d.decodeTuple(part[bpf.Tuple](r))
	}
	if has&bpf.PartTunnel != 0 {
		d.decodeTunnel(part[bpf.Tunnel](r))
	}
	if has&^(compared|flags) != 0 {
		d.decodeOthers(has, r, &d.event)
	}
}

// had reports whether the previous record had a part.
func (d *Decoder) had(bit uint32) bool { return d.parts&bit != 0 }

// decodeMeta always decodes the length, which changes more often than the other members.
func (d *Decoder) decodeMeta(m *bpf.Meta) {
	same := d.had(bpf.PartMeta) && isSameButLen(m, &d.meta)
	if same && !d.cleared {
		d.event.Meta.Len = m.Len
		return
	}
	if !same {
		d.meta, d.kept.Meta = *m, d.numbers.next()
	}
	decodeMeta(m, &d.event.Meta)
	d.event.Raw.Versions.Meta = d.kept.Meta
}

// isSameButLen compares the members one by one: this is faster than a copy with the same Len.
func isSameButLen(a, b *bpf.Meta) bool {
	return a.Ifname == b.Ifname && a.Netns == b.Netns && a.Ifindex == b.Ifindex && a.Mark == b.Mark &&
		a.Mtu == b.Mtu && a.Protocol == b.Protocol
}

func (d *Decoder) decodeTuple(t *bpf.Tuple) {
	same := d.had(bpf.PartTuple) && *t == d.tuple
	if same && !d.cleared {
		return
	}
	if !same {
		d.tuple, d.kept.Tuple = *t, d.numbers.next()
	}
	decodeTuple(t, &d.event.Tuple)
	d.event.Raw.Versions.Tuple = d.kept.Tuple
}

func (d *Decoder) decodeTunnel(t *bpf.Tunnel) {
	d.event.Tunnel = &d.sections.tunnel
	same := d.had(bpf.PartTunnel) && *t == d.tunnel
	if same && !d.cleared {
		return
	}
	if !same {
		d.tunnel, d.kept.Tunnel = *t, d.numbers.next()
		decodeTunnel(t, &d.sections.tunnel)
	}
	d.event.Raw.Versions.Tunnel = d.kept.Tunnel
}

// decodeOthers decodes the parts after those in compared.
func (d *Decoder) decodeOthers(has uint32, r *parts, e *event.Event) {
	l, s := &d.layout, &d.sections
	if has&bpf.PartCB != 0 {
		s.cb = part[bpf.CB](r).Words
		e.CB = &s.cb
	}
	if has&bpf.PartSkb != 0 {
		e.Raw.Skb = r.take(l.Skb)
	}
	if has&bpf.PartShared != 0 {
		e.Raw.Shared = r.take(l.Shared)
	}
	if has&bpf.PartValues != 0 {
		e.Raw.Values = r.take(l.Values)
	}
	if has&bpf.PartLineage != 0 {
		decodeLineage(part[bpf.Lineage](r), &e.Lineage)
	}
	if has&bpf.PartReturn != 0 {
		returned := part[bpf.Return](r)
		e.Return = event.Returned{Value: returned.Value, Duration: returned.Duration}
	}
	if has&bpf.PartHook != 0 {
		e.Netfilter = decodeHook(part[bpf.Hook](r), &s.netfilter)
	}
	if has&bpf.PartMap != 0 {
		decodeMap(part[bpf.Map](r), &s.mapCall)
		e.Map = &s.mapCall
	}
	if has&bpf.PartLookup != 0 {
		e.Raw.Lookup = r.take(l.Lookup)
	}
	if has&bpf.PartConntrack != 0 {
		decodeConntrack(part[bpf.Conntrack](r), &s.conntrack)
		e.Conntrack = &s.conntrack
	}
	if has&bpf.PartHead != 0 {
		e.Head = part[bpf.Head](r).Address
	}
	if has&bpf.PartXDPValues != 0 {
		e.Raw.XDPValues = r.take(l.XDPValues)
	}
	if has&bpf.PartPacket != 0 {
		e.Bytes = decodeBytes(r.take(l.Packet), &s.bytes)
	}
	if has&bpf.PartFirst != 0 {
		decodeFirst(part[bpf.First](r), &s.first)
		e.First = &s.first
	}
	if has&bpf.PartWhy != 0 {
		e.Raw.Why = r.takeSized()
	}
	if has&bpf.PartStack != 0 {
		e.Raw.Stack = addressesIn(r.rest)
	}
}

// parts reads the parts of a record, one after the other.
type parts struct {
	rest  []byte
	size  int
	short bool
}

func (p *parts) take(n int) []byte {
	if len(p.rest) < n {
		p.short = true
		return nil
	}
	taken := p.rest[:n:n]
	p.rest = p.rest[n:]
	return taken
}

// takeSized returns a part that begins with its size (struct record_why).
func (p *parts) takeSized() []byte {
	if len(p.rest) < int(unsafe.Sizeof(bpf.Why{})) {
		p.short = true
		return nil
	}
	return p.take(int((*bpf.Why)(unsafe.Pointer(&p.rest[0])).Size))
}

func (p *parts) error() error {
	if p.short {
		return fmt.Errorf("event record of %d bytes is truncated", p.size)
	}
	return nil
}

// part returns the next part, as a pointer into the record: the kernel wrote it on the same machine, so byte
// order and alignment are right. If the record is too short, it returns a part of zeros.
func part[T any](p *parts) *T {
	if b := p.take(int(unsafe.Sizeof(*new(T)))); b != nil {
		return (*T)(unsafe.Pointer(&b[0]))
	}
	return new(T)
}

// addressSize is the size of an address in bytes.
const addressSize = 8

// addressesIn returns the addresses in b, without a copy.
func addressesIn(b []byte) []uint64 {
	n := len(b) / addressSize
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*uint64)(unsafe.Pointer(&b[0])), n)
}

func decodeCore(c *bpf.Core, e *event.Event) error {
	switch c.Kind {
	case bpf.KindFunction:
		e.Kind = event.Function
	case bpf.KindTracepoint:
		e.Kind = event.Tracepoint
	case bpf.KindReturn:
		e.Kind = event.Return
	case bpf.KindProgram:
		e.Kind = event.Program
	case bpf.KindVerdict:
		e.Kind = event.Verdict
	case bpf.KindLookup:
		e.Kind = event.Looked
	default:
		return fmt.Errorf("event record has unknown kind %d", c.Kind)
	}
	e.CPU = uint32(c.Cpu)
	e.TailCalled = c.Flags&bpf.ByTailCall != 0
	e.Time = c.Time
	e.Skb = c.Skb
	e.Addr, e.Raw.ID = addressOrID(e.Kind, c.Addr)
	// Members are set one by one: a struct would be built on the stack and then copied in larger words, for
	// which the CPU has to wait.
	e.Process.PID, e.Process.TID, e.Process.Comm = c.Pid, c.Tid, c.Comm
	if c.Parts&bpf.PartArguments != 0 {
		to := &e.Raw.Arguments
		to[0], to[1], to[2] = c.Reason, uint32(c.Location), uint32(c.Location>>32)
		e.Drop = event.Drop{}
		return nil
	}
	e.Raw.Silent = c.Flags&bpf.SilentDrop != 0
	e.Drop = event.Drop{
		Dropped:   c.Parts&bpf.PartDrop != 0 && c.Flags&bpf.SilentDrop == 0,
		Benign:    c.Flags&bpf.BenignDrop != 0,
		HasReason: c.Parts&bpf.PartReason != 0,
		Reason:    c.Reason,
		Location:  c.Location,
	}
	return nil
}

// addressOrID returns n as the address of a function, or as the index of a tracepoint or the id of a BPF
// program.
func addressOrID(k event.Kind, n uint64) (addr, id uint64) {
	switch k {
	case event.Tracepoint, event.Program, event.Verdict:
		return 0, n
	}
	return n, 0
}

func decodeMeta(m *bpf.Meta, to *event.Meta) {
	*to = event.Meta{
		Netns:    m.Netns,
		Ifindex:  m.Ifindex,
		Ifname:   m.Ifname,
		Mark:     m.Mark,
		Len:      m.Len,
		MTU:      m.Mtu,
		Protocol: m.Protocol,
	}
}

func decodeLineage(l *bpf.Lineage, to *event.Lineage) {
	*to = event.Lineage{ID: l.Id, Part: l.Part, Parent: l.Parent, Origin: event.Origin(l.Origin)}
}

func decodeTunnel(t *bpf.Tunnel, to *event.Tunnel) {
	*to = event.Tunnel{Kind: event.TunnelKind(t.Kind), HasID: t.HasId != 0, ID: t.Id}
	if to.Kind != event.NoTunnel {
		decodeTuple(&t.Tuple, &to.Tuple)
	}
}

func decodeTuple(t *bpf.Tuple, to *event.Tuple) {
	*to = event.Tuple{
		Network:        event.Network(t.Network),
		Protocol:       t.Protocol,
		Ports:          t.Has&bpf.HasPorts != 0,
		SourcePort:     t.SourcePort,
		DestPort:       t.DestPort,
		Fragment:       t.Has&bpf.HasFragment != 0,
		FragmentOffset: t.FragmentOffset,
		HasTCPFlags:    t.Has&bpf.HasTCPFlags != 0,
		TCPFlags:       t.TcpFlags,
		ARPOperation:   t.ArpOperation,
		HasVLAN:        t.Tags > 0,
		VLAN:           t.Vlan,
		HasInnerVLAN:   t.Tags > 1,
		InnerVLAN:      t.InnerVlan,
		Tags:           t.Tags,
		ThirdVLAN:      t.ThirdVlan,
		EtherType:      t.EtherType,
		SocketFamily:   t.SocketFamily,
		TCP:            event.TCP{Recorded: t.Has&bpf.HasTCP != 0, Seq: t.TcpSeq, Ack: t.TcpAck, Window: t.TcpWindow},
	}
	to.ICMP = event.ICMP{
		Recorded: t.Has&bpf.HasICMP != 0,
		Type:     t.IcmpType,
		Code:     t.IcmpCode,
		Echo:     t.Has&bpf.HasEcho != 0,
		ID:       t.IcmpId,
		Seq:      t.IcmpSeq,
	}
	to.Source, to.Dest = addresses(t)
	if t.Has&bpf.HasLLC != 0 {
		to.SAP = event.SAP{Recorded: true, Dest: t.Source[0], Source: t.Source[1]}
	}
	if t.Has&bpf.HasSNAP != 0 {
		to.SNAP = decodeSNAP([5]byte(t.Source[3:8]))
	}
}

// decodeSNAP decodes a SNAP header in wire format.
func decodeSNAP(h [5]byte) event.SNAP {
	return event.SNAP{Recorded: true, OUI: uint32(h[0])<<16 | uint32(h[1])<<8 | uint32(h[2]), Protocol: uint16(h[3])<<8 | uint16(h[4])}
}

func addresses(t *bpf.Tuple) (source, dest netip.Addr) {
	switch event.Network(t.Network) {
	case event.IPv4, event.ARP:
		return netip.AddrFrom4([4]byte(t.Source[:4])), netip.AddrFrom4([4]byte(t.Dest[:4]))
	case event.IPv6:
		return netip.AddrFrom16(t.Source), netip.AddrFrom16(t.Dest)
	}
	return netip.Addr{}, netip.Addr{}
}
