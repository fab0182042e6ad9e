// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"cmp"
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

// Source is a source address with the number of its connections.
type Source struct {
	Address netip.Addr
	Count   int
}

// Sources are the source addresses with the most connections.
type Sources struct {
	Top []Source
	// Counted is the number of connections that were counted: all of them, or with Partial as many as the limits allowed.
	Counted int
	Partial bool
}

// String returns text like 10.0.0.7 (250000), 10.0.0.9 (12), with Partial followed by: among 262144 counted.
func (s Sources) String() string {
	var texts []string
	for _, source := range s.Top {
		texts = append(texts, fmt.Sprintf("%s (%d)", source.Address, source.Count))
	}
	text := strings.Join(texts, ", ")
	if s.Partial {
		text += fmt.Sprintf(", among %d counted", s.Counted)
	}
	return text
}

const (
	sourcesTop     = 3
	sourcesMost    = 500_000 // connections that are counted
	sourcesTimeout = time.Second
	sourcesPause   = 5 * time.Second
)

// sourceList is the cached answer.
type sourceList struct {
	pace    pace
	sources Sources
}

// TopSources returns the source addresses with the most entries in the conntrack table of a network namespace. It counts
// for at most a second. ok is false if the table is empty or can't be read.
func (h *Host) TopSources(netns uint32) (Sources, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n, err := h.enter(netns)
	if err != nil {
		return Sources{}, false
	}
	start := time.Now()
	if n.sources.pace.due(start) {
		n.sources.sources = n.countSources(start.Add(min(sourcesTimeout, h.timeout)), sourcesMost)
		n.sources.pace.took(start, sourcesPause)
	}
	return n.sources.sources, len(n.sources.sources.Top) > 0
}

// countSources counts the sources of at most most entries. An error ends the count.
func (n *namespace) countSources(deadline time.Time, most int) Sources {
	c, err := n.dial(unix.NETLINK_NETFILTER)
	if err != nil {
		return Sources{}
	}
	defer c.close()
	counts, counted := map[netip.Addr]int{}, 0
	m, err := request{subsystem: unix.NFNL_SUBSYS_CTNETLINK, kind: ipctnlMsgCtGet, dump: true}.message()
	if err != nil {
		return Sources{}
	}
	err = c.ask(m, deadline, func(_ netlink.HeaderType, data []byte) error {
		if counted == most {
			return fmt.Errorf("more than %d entries", most)
		}
		if source, ok := sourceOf(data); ok {
			counts[source]++
			counted++
		}
		return nil
	})
	return Sources{top(counts), counted, err != nil && !errors.Is(err, errInterrupted)}
}

func top(counts map[netip.Addr]int) []Source {
	var all []Source
	for address, count := range counts {
		all = append(all, Source{address, count})
	}
	slices.SortFunc(all, func(a, b Source) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), a.Address.Compare(b.Address))
	})
	return all[:min(sourcesTop, len(all))]
}

// Numbers of enum cntl_msg_types, ctattr_type, ctattr_tuple and ctattr_ip.
const (
	ipctnlMsgCtGet = 1
	ctaTupleOrig   = 1
	ctaTupleIP     = 1
	ctaIPv4Source  = 1
	ctaIPv6Source  = 3
)

// sourceOf returns the source address of an entry's original direction. It does not allocate, since there are many entries.
func sourceOf(data []byte) (netip.Addr, bool) {
	if len(data) < nfgenmsg {
		return netip.Addr{}, false
	}
	addresses := attribute(attribute(data[nfgenmsg:], ctaTupleOrig), ctaTupleIP)
	if a, ok := netip.AddrFromSlice(attribute(addresses, ctaIPv4Source)); ok {
		return a, true
	}
	return netip.AddrFromSlice(attribute(addresses, ctaIPv6Source))
}

// attribute returns the data of the first attribute of a kind, or nil.
func attribute(b []byte, kind uint16) []byte {
	const header = 4 // struct nlattr: length and kind
	for len(b) >= header {
		length := int(nlenc.Uint16(b[0:2]))
		if length < header || length > len(b) {
			return nil
		}
		if nlenc.Uint16(b[2:4])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER) == kind {
			return b[header:length]
		}
		b = b[min(align(length), len(b)):]
	}
	return nil
}
