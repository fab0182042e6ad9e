// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"net"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"
)

// XDP describes an XDP program.
type XDP struct {
	Device string
	// Action is the program's action on UDP over IPv4, XDPPass by default.
	Action XDPAction
	// To is the device in the same namespace to which XDPRedirect sends every packet.
	To string
	// Generic attaches it in generic mode (SKB mode) instead of native mode (in the driver).
	Generic bool
}

// XDPAction is the action of an [XDP] program.
type XDPAction int

// XDPTx exchanges addresses and ports of the packet, and sends it back. XDPRedirect sends it to another device.
const (
	XDPPass XDPAction = iota
	XDPTx
	XDPRedirect
)

// Verdicts: XDP_PASS and XDP_TX.
const (
	verdictPass = 2
	verdictTx   = 3
)

// XDPCount counts the packets that an XDP program has acted on.
type XDPCount struct{ counter *ebpf.Map }

// Read returns the current number.
func (c *XDPCount) Read(t testing.TB) uint64 {
	t.Helper()
	var n uint64
	must(t, c.counter.Lookup(uint32(0), &n))
	return n
}

// NewXDP attaches a program to a device until the end of the test.
func NewXDP(t testing.TB, n *Netns, x XDP) *XDPCount {
	t.Helper()
	must(t, rlimit.RemoveMemlock())
	counter, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: 1})
	must(t, err)
	t.Cleanup(func() { counter.Close() })
	must(t, n.Do(func() error { return x.attach(t, counter) }))
	return &XDPCount{counter}
}

func (x XDP) attach(t testing.TB, counter *ebpf.Map) error {
	device, err := net.InterfaceByName(x.Device)
	if err != nil {
		return err
	}
	instructions, err := x.instructions(t, counter)
	if err != nil {
		return err
	}
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "GPL", Instructions: instructions})
	if err != nil {
		return err
	}
	defer p.Close()
	l, err := link.AttachXDP(link.XDPOptions{Program: p, Interface: device.Index, Flags: x.mode()})
	if err != nil {
		return err
	}
	t.Cleanup(func() { l.Close() })
	return nil
}

func (x XDP) mode() link.XDPAttachFlags {
	if x.Generic {
		return link.XDPGenericMode
	}
	return link.XDPDriverMode
}

func (x XDP) instructions(t testing.TB, counter *ebpf.Map) (asm.Instructions, error) {
	switch x.Action {
	case XDPTx:
		return append(append(onlyUDP(), count(counter)...), sendBack()...), nil
	case XDPRedirect:
		to, err := deviceMap(t, x.To)
		return append(count(counter), sendTo(to)...), err
	}
	return append(append(onlyUDP(), count(counter)...), pass()...), nil
}

// deviceMap returns a device map (BPF_MAP_TYPE_DEVMAP) with one device, in the namespace of the calling thread.
func deviceMap(t testing.TB, device string) (*ebpf.Map, error) {
	to, err := net.InterfaceByName(device)
	if err != nil {
		return nil, err
	}
	m, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.DevMap, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { m.Close() })
	return m, m.Put(uint32(0), uint32(to.Index))
}

// Offsets in a frame with UDP over IPv4 without options.
const (
	frameType, frameProtocol   = 12, 23
	frameSource, frameDest     = 26, 30
	frameSport, frameDport     = 34, 36
	frameMACDest, frameMACFrom = 0, 6
	frameHeaders               = 42
)

// onlyUDP loads the address of the frame into R7 and jumps to "count" if it is UDP over IPv4. It returns XDP_PASS for
// other packets.
func onlyUDP() asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R7, asm.R1, 0, asm.Word),
		asm.LoadMem(asm.R3, asm.R1, 4, asm.Word),
		asm.Mov.Reg(asm.R4, asm.R7),
		asm.Add.Imm(asm.R4, frameHeaders),
		asm.JGT.Reg(asm.R4, asm.R3, "pass"),
		asm.LoadMem(asm.R5, asm.R7, frameType, asm.Half),
		asm.JNE.Imm(asm.R5, 0x0008, "pass"), // ETH_P_IP in network byte order, read on a little-endian machine
		asm.LoadMem(asm.R5, asm.R7, frameProtocol, asm.Byte),
		asm.JNE.Imm(asm.R5, unix.IPPROTO_UDP, "pass"),
		asm.Ja.Label("count"),
		asm.Mov.Imm(asm.R0, verdictPass).WithSymbol("pass"),
		asm.Return(),
	}
}

// count increments the first value of an array.
func count(counter *ebpf.Map) asm.Instructions {
	return asm.Instructions{
		asm.StoreImm(asm.RFP, -4, 0, asm.Word).WithSymbol("count"),
		asm.LoadMapPtr(asm.R1, counter.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, -4),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "act"),
		asm.Mov.Imm(asm.R1, 1),
		asm.StoreXAdd(asm.R0, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, verdictPass).WithSymbol("act"),
	}
}

func pass() asm.Instructions { return asm.Instructions{asm.Return()} }

// sendBack exchanges source and destination, which keeps the checksums valid.
func sendBack() asm.Instructions {
	var list asm.Instructions
	for _, field := range []struct {
		a, b int16
		size asm.Size
	}{
		{frameMACDest, frameMACFrom, asm.Half}, {frameMACDest + 2, frameMACFrom + 2, asm.Half},
		{frameMACDest + 4, frameMACFrom + 4, asm.Half},
		{frameSource, frameDest, asm.Half}, {frameSource + 2, frameDest + 2, asm.Half},
		{frameSport, frameDport, asm.Half},
	} {
		list = append(list, exchange(field.a, field.b, field.size)...)
	}
	return append(list, asm.Mov.Imm(asm.R0, verdictTx), asm.Return())
}

func exchange(a, b int16, size asm.Size) asm.Instructions {
	return asm.Instructions{
		asm.LoadMem(asm.R1, asm.R7, a, size),
		asm.LoadMem(asm.R2, asm.R7, b, size),
		asm.StoreMem(asm.R7, a, asm.R2, size),
		asm.StoreMem(asm.R7, b, asm.R1, size),
	}
}

// sendTo sends a packet to the device in the map.
func sendTo(device *ebpf.Map) asm.Instructions {
	return asm.Instructions{
		asm.LoadMapPtr(asm.R1, device.FD()),
		asm.Mov.Imm(asm.R2, 0),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnRedirectMap.Call(),
		asm.Return(),
	}
}
