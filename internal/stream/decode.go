// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"fmt"
	"net/netip"
	"unsafe"

	"tracer/internal/bpf"
	"tracer/internal/event"
)

const (
	coreSize  = int(unsafe.Sizeof(bpf.Core{}))
	metaSize  = int(unsafe.Sizeof(bpf.Meta{}))
	tupleSize = int(unsafe.Sizeof(bpf.Tuple{}))
)

// Decode turns a record into an event. It keeps nothing of the record.
func Decode(record []byte, e *event.Event) error {
	if len(record) < coreSize {
		return fmt.Errorf("record of %d bytes: shorter than its core of %d", len(record), coreSize)
	}
	core := coreOf(record)
	rest := record[coreSize:]
	*e = event.Event{}
	if err := decodeCore(core, e); err != nil {
		return err
	}
	if core.Parts&bpf.PartMeta != 0 {
		if len(rest) < metaSize {
			return fmt.Errorf("record of %d bytes: cut off in its metadata", len(record))
		}
		decodeMeta((*bpf.Meta)(unsafe.Pointer(&rest[0])), &e.Meta)
		rest = rest[metaSize:]
	}
	if core.Parts&bpf.PartTuple != 0 {
		if len(rest) < tupleSize {
			return fmt.Errorf("record of %d bytes: cut off in its tuple", len(record))
		}
		decodeTuple((*bpf.Tuple)(unsafe.Pointer(&rest[0])), &e.Tuple)
	}
	return nil
}

// coreOf looks at the record as the kernel wrote it: same machine, same byte
// order, and every access is to aligned or to byte-wise readable memory.
func coreOf(record []byte) *bpf.Core { return (*bpf.Core)(unsafe.Pointer(&record[0])) }

func decodeCore(c *bpf.Core, e *event.Event) error {
	switch c.Kind {
	case bpf.KindFunction:
		e.Kind = event.Function
	case bpf.KindTracepoint:
		e.Kind = event.Tracepoint
	default:
		return fmt.Errorf("record of kind %d: not known", c.Kind)
	}
	e.CPU = uint32(c.Cpu)
	e.Time = c.Time
	e.Skb = c.Skb
	e.Addr = c.Addr
	e.Process = event.Process{PID: c.Pid, TID: c.Tid, Comm: c.Comm}
	e.Drop = event.Drop{
		Dropped:   c.Parts&bpf.PartDrop != 0,
		HasReason: c.Parts&bpf.PartReason != 0,
		Reason:    c.Reason,
		Location:  c.Location,
	}
	return nil
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

func decodeTuple(t *bpf.Tuple, to *event.Tuple) {
	*to = event.Tuple{
		Network:        event.Network(t.Network),
		Protocol:       t.Protocol,
		Ports:          t.Has&bpf.HasPorts != 0,
		SourcePort:     t.SourcePort,
		DestPort:       t.DestPort,
		Fragment:       t.Has&bpf.HasFragment != 0,
		FragmentOffset: t.FragmentOffset,
		TCPFlags:       t.TcpFlags,
		ARPOperation:   t.ArpOperation,
		HasVLAN:        t.Has&bpf.HasVLAN != 0,
		VLAN:           t.Vlan,
		EtherType:      t.EtherType,
		SocketFamily:   t.SocketFamily,
	}
	to.ICMP = event.ICMP{
		Type: t.IcmpType,
		Code: t.IcmpCode,
		Echo: t.Has&bpf.HasEcho != 0,
		ID:   t.IcmpId,
		Seq:  t.IcmpSeq,
	}
	to.Source, to.Dest = addresses(t)
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
