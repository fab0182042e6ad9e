// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// The following functions build packets for tests. Each adds its header before a payload.

const (
	typeIPv4 = 0x0800
	typeIPv6 = 0x86dd
	typeTEB  = 0x6558
	typeMPLS = 0x8847
)

const (
	protoIPIP = 4
	protoUDP  = 17
	protoIPv6 = 41
	protoGRE  = 47
	protoESP  = 50
	protoAH   = 51
)

func be16(v int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }

func ethernet(etherType int, payload []byte) []byte {
	return slices.Concat([]byte{2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1}, be16(etherType), payload)
}

// ip returns an IP packet, of version 4 or 6, from host 1 to host 2 of a network.
func ip(version, network, protocol int, payload []byte) []byte {
	if version == 4 {
		return slices.Concat([]byte{0x45, 0}, be16(20+len(payload)), []byte{0, 0, 0, 0, 64, byte(protocol), 0, 0,
			10, 0, byte(network), 1, 10, 0, byte(network), 2}, payload)
	}
	host := func(n byte) []byte { return append(append([]byte{0xfd, byte(network)}, make([]byte, 13)...), n) }
	return slices.Concat([]byte{0x60, 0, 0, 0}, be16(len(payload)), []byte{byte(protocol), 64}, host(1), host(2), payload)
}

func udp(source, dest int, payload []byte) []byte {
	return slices.Concat(be16(source), be16(dest), be16(8+len(payload)), []byte{0, 0}, payload)
}

func vxlan(payload []byte) []byte {
	return append([]byte{8, 0, 0, 0, 0, 0, 42, 0}, payload...)
}

func geneve(etherType int, payload []byte) []byte {
	return slices.Concat([]byte{0, 0}, be16(etherType), []byte{0, 0, 43, 0}, payload)
}

func gre(etherType int, payload []byte) []byte {
	return slices.Concat([]byte{0, 0}, be16(etherType), payload)
}

// text returns the addresses, protocol and ports of a tuple, or only its Ethertype.
func (t tracerRecordTuple) text() string {
	var source, dest netip.Addr
	switch t.EtherType {
	case typeIPv4:
		source, dest = netip.AddrFrom4([4]byte(t.Source[:4])), netip.AddrFrom4([4]byte(t.Dest[:4]))
	case typeIPv6:
		source, dest = netip.AddrFrom16(t.Source), netip.AddrFrom16(t.Dest)
	}
	if !source.IsValid() || source.IsUnspecified() {
		return fmt.Sprintf("%04x", t.EtherType)
	}
	text := fmt.Sprintf("%s>%s(%d)", source, dest, t.Protocol)
	if t.Has&HasPorts != 0 {
		text += fmt.Sprintf("%d>%d", t.SourcePort, t.DestPort)
	}
	return text
}

// text returns the tuples of the packet and of the packet inside it.
func (s *seen) text() string {
	if s == nil {
		return "no match"
	}
	list := []string{s.Tuple.text()}
	if s.Tunnel.Kind != 0 {
		list = append(list, s.Tunnel.Tuple.text())
	}
	return strings.Join(list, " ")
}
