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
	"golang.org/x/sys/unix"
)

// Source is a source address of connections, and how many it has.
type Source struct {
	Address netip.Addr
	Count   int
}

// Sources are the source addresses with the most connections.
type Sources struct {
	Top []Source
	// Counted is how many connections were counted: all of them, or with Partial as many as was possible.
	Counted int
	Partial bool
}

// String is like 10.0.0.7 (250000), 10.0.0.9 (12), of 262144 counted.
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

// sourceList is the last answer.
type sourceList struct {
	pace    pace
	sources Sources
}

// TopSources returns the source addresses with the most entries of the conntrack table of a network namespace. It
// counts for at most a second. ok is false if there are none, or they can't be read.
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

// countSources counts at most so many entries. An error ends the count.
func (n *namespace) countSources(deadline time.Time, most int) Sources {
	c, err := n.dial(unix.NETLINK_NETFILTER)
	if err != nil {
		return Sources{}
	}
	defer c.close()
	counts, counted := map[netip.Addr]int{}, 0
	err = c.query(request{subsystem: unix.NFNL_SUBSYS_CTNETLINK, kind: ipctnlMsgCtGet, dump: true}, deadline, func(_ uint8, ad *netlink.AttributeDecoder) error {
		if counted == most {
			return fmt.Errorf("more than %d entries", most)
		}
		source, err := sourceOf(ad)
		if err != nil {
			return err
		}
		counts[source]++
		counted++
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

// sourceOf returns the source of an entry's first packet.
func sourceOf(ad *netlink.AttributeDecoder) (source netip.Addr, err error) {
	for ad.Next() {
		if ad.Type() != ctaTupleOrig {
			continue
		}
		err = eachNested(ad.Bytes(), func(ad *netlink.AttributeDecoder) error {
			if ad.Type() != ctaTupleIP {
				return nil
			}
			return eachNested(ad.Bytes(), func(ad *netlink.AttributeDecoder) error {
				if kind := ad.Type(); kind == ctaIPv4Source || kind == ctaIPv6Source {
					source, _ = netip.AddrFromSlice(ad.Bytes())
				}
				return nil
			})
		})
		return source, err
	}
	return source, ad.Err()
}
