// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/mdlayher/netlink"
	"github.com/mdlayher/netlink/nlenc"
	"golang.org/x/sys/unix"
)

// Protocol is IPPROTO_TCP or IPPROTO_UDP.
type Protocol uint8

// The protocols whose sockets can be listed.
const (
	TCP Protocol = unix.IPPROTO_TCP
	UDP Protocol = unix.IPPROTO_UDP
)

// Listener is a listening TCP socket, or a bound UDP socket.
type Listener struct {
	Local netip.AddrPort
	// Only6 is set for an IPv6 socket that does not receive IPv4 packets.
	Only6 bool
	// Remote is the peer of a connected UDP socket, which receives only packets from this peer.
	Remote netip.AddrPort
	Device string // to which the socket is bound; "" for any
	Index  uint32 // of the device
	Inode  uint64
	// Owner is the process, if it was found: Owner.PID is 0 otherwise.
	Owner Process
}

// clause returns text like nginx[812] listens on 127.0.0.1:80, device lo.
func (l Listener) clause(protocol Protocol) string {
	who, verb := "a socket", " listens on "
	if l.Owner.PID != 0 {
		who = l.Owner.String()
	}
	if protocol == UDP {
		verb = " is bound to "
	}
	text := who + verb + hostPort(l.Local)
	if l.Device != "" {
		text += ", device " + l.Device
	}
	if l.Only6 {
		text += ", IPv6"
	}
	if l.Remote.IsValid() {
		text += ", from " + hostPort(l.Remote)
	}
	return text
}

// takesAll reports whether the socket receives packets for all addresses, on all devices, from all peers.
func (l Listener) takesAll() bool {
	return l.Local.Addr().IsUnspecified() && !l.Only6 && l.Device == "" && !l.Remote.IsValid()
}

// hostPort returns address:port, with * for any IPv4 address and [::] for any IPv6 address.
func hostPort(a netip.AddrPort) string {
	if a.Addr() == netip.IPv4Unspecified() {
		return fmt.Sprintf("*:%d", a.Port())
	}
	return a.String()
}

// Listeners are the sockets on a port.
type Listeners struct {
	Protocol Protocol
	Port     uint16
	Sockets  []Listener
	// More is set if there are more than socketsMost.
	More bool
}

// String returns text like no socket has port 53 in this network namespace, or nginx[812] listens on 127.0.0.1:80 only.
func (l Listeners) String() string {
	if len(l.Sockets) == 0 && l.Protocol == TCP { // connections may have it
		return fmt.Sprintf("no socket listens on port %d in this network namespace", l.Port)
	}
	if len(l.Sockets) == 0 {
		return fmt.Sprintf("no socket has port %d in this network namespace", l.Port)
	}
	var texts []string
	for _, s := range l.Sockets[:min(len(l.Sockets), socketsShown)] {
		texts = append(texts, s.clause(l.Protocol))
	}
	switch {
	case l.More || len(l.Sockets) > socketsShown:
		texts = append(texts, "others")
	case len(l.Sockets) == 1 && !l.Sockets[0].takesAll():
		texts[0] += " only"
	}
	return strings.Join(texts, "; ")
}

const (
	socketsShown = 3      // by String
	socketsMost  = 16     // in an answer
	socketsRead  = 50_000 // of a namespace and protocol
	socketsPause = 200 * time.Millisecond
)

// socketList are the sockets of a namespace and protocol, at a time.
type socketList struct {
	pace    pace
	err     error
	sockets []socket
}

// socket is a socket as sock_diag describes it.
type socket struct {
	local, remote netip.AddrPort
	device        uint32
	only6         bool
	inode         uint64
}

// Listeners returns the sockets that listen on a port, or are bound to it, now or at the last reading, not at the drop. ok
// is false if they could not be listed, and for protocols other than TCP and UDP.
func (h *Host) Listeners(netns uint32, protocol Protocol, port uint16) (Listeners, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.listeners(netns, protocol, port)
}

func (h *Host) listeners(netns uint32, protocol Protocol, port uint16) (Listeners, bool) {
	answer := Listeners{Protocol: protocol, Port: port}
	n, err := h.enter(netns)
	if err != nil || protocol != TCP && protocol != UDP {
		return answer, false
	}
	list := n.list(protocol, h.deadline())
	if list.err != nil {
		return answer, false
	}
	for _, s := range list.sockets {
		if s.local.Port() != port {
			continue
		}
		if len(answer.Sockets) == socketsMost {
			answer.More = true
			break
		}
		l := Listener{Local: s.local, Only6: s.only6, Remote: s.remote, Index: s.device, Inode: s.inode}
		if s.device != 0 {
			if l.Device = n.ifname(s.device); l.Device == "" {
				l.Device = fmt.Sprint("number ", s.device)
			}
		}
		l.Owner, _ = h.owner(s.inode)
		answer.Sockets = append(answer.Sockets, l)
	}
	return answer, true
}

// list returns the sockets, and reads them again if the pause since the last reading is over.
func (n *namespace) list(protocol Protocol, deadline time.Time) *socketList {
	list := n.sockets[protocol]
	if list == nil {
		list = &socketList{}
		if n.sockets == nil {
			n.sockets = map[Protocol]*socketList{}
		}
		n.sockets[protocol] = list
	}
	start := time.Now()
	if !list.pace.due(start) {
		return list
	}
	defer list.pace.took(start, socketsPause)
	list.sockets, list.err = nil, nil
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		if list.err = n.readSockets(list, family, protocol, deadline); list.err != nil {
			break
		}
	}
	slices.SortStableFunc(list.sockets, func(a, b socket) int { return a.local.Compare(b.local) })
	return list
}

// sockDiagByFamily is SOCK_DIAG_BY_FAMILY.
const sockDiagByFamily = 20

// Sizes of struct inet_diag_req_v2 and struct inet_diag_msg.
const (
	inetDiagRequest = 56
	inetDiagMessage = 72
)

// inetDiagOnly6 is the attribute INET_DIAG_SKV6ONLY.
const inetDiagOnly6 = 11

// states returns the states of the sockets to list, as bits: TCP_LISTEN for TCP; TCP_CLOSE (bound) and TCP_ESTABLISHED
// (connected) for UDP.
func states(protocol Protocol) uint32 {
	const established, closed, listen = 1, 7, 10
	if protocol == TCP {
		return 1 << listen
	}
	return 1<<closed | 1<<established
}

func (n *namespace) readSockets(list *socketList, family uint8, protocol Protocol, deadline time.Time) error {
	c, err := n.dial(unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return err
	}
	defer c.close()
	request := make([]byte, inetDiagRequest)
	request[0], request[1] = family, uint8(protocol)
	nlenc.PutUint32(request[4:8], states(protocol))
	m := netlink.Message{Header: netlink.Header{Type: sockDiagByFamily, Flags: netlink.Dump}, Data: request}
	err = c.ask(m, deadline, func(_ netlink.HeaderType, data []byte) error {
		if len(list.sockets) >= socketsRead {
			return fmt.Errorf("more than %d sockets", socketsRead)
		}
		s, err := socketOf(data)
		if err == nil && s.local.Port() != 0 {
			list.sockets = append(list.sockets, s)
		}
		return err
	})
	if errors.Is(err, errInterrupted) { // some sockets were opened or closed meanwhile, which is harmless
		return nil
	}
	return err
}

// socketOf decodes struct inet_diag_msg and the attributes after it.
func socketOf(data []byte) (socket, error) {
	if len(data) < inetDiagMessage {
		return socket{}, fmt.Errorf("sock_diag: message of %d bytes", len(data))
	}
	isIPv6 := data[0] == unix.AF_INET6
	s := socket{
		local:  addrPort(data[4:6], data[8:24], isIPv6),
		remote: addrPort(data[6:8], data[24:40], isIPv6),
		device: nlenc.Uint32(data[40:44]),
		inode:  uint64(nlenc.Uint32(data[68:72])),
	}
	if s.remote.Port() == 0 {
		s.remote = netip.AddrPort{}
	}
	ad, err := netlink.NewAttributeDecoder(data[inetDiagMessage:])
	if err != nil {
		return s, err
	}
	for ad.Next() {
		if ad.Type() == inetDiagOnly6 && isIPv6 && s.local.Addr().IsUnspecified() {
			s.only6 = ad.Uint8() != 0
		}
	}
	return s, ad.Err()
}

func addrPort(port, address []byte, isIPv6 bool) netip.AddrPort {
	if !isIPv6 {
		address = address[:4]
	}
	a, _ := netip.AddrFromSlice(slices.Clone(address)) // 4 or 16 bytes
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16(port))
}
