// SPDX-License-Identifier: Apache-2.0

package live

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/explain"
	"tracer/internal/kernel"
	"tracer/internal/resolve"
)

// answersNeed are the capabilities that answers need: for rules, connections, sockets and processes, in other network
// namespaces, too.
var answersNeed = kernel.SetOf(unix.CAP_NET_ADMIN, unix.CAP_SYS_ADMIN, unix.CAP_SYS_PTRACE)

// answers is the explain.Resolver of the running system. It finds the arguments of package resolve among the values of the
// drop, by the keys of the table of causes.
type answers struct{ host *resolve.Host }

// newAnswers returns answers with a timeout for each question, since events wait meanwhile.
func newAnswers() answers {
	return answers{resolve.New(resolve.Options{Timeout: 300 * time.Millisecond})}
}

// Resolve implements explain.Resolver.
func (a answers) Resolve(q explain.Question) (string, bool) {
	switch netns := q.Netns; q.Key {
	case string(explain.InNetns), string(explain.InInitialNetns):
		return a.prefix(q)
	case "listeners":
		return a.listeners(q, netns)
	case "rule", "rule_name":
		if _, isLegacy := legacyTables[q.Cause.ID]; isLegacy {
			return a.legacyRule(q, netns)
		}
		return a.rule(q, netns)
	case "owner":
		return a.owner(q)
	case "top_sources":
		sources, ok := a.host.TopSources(netns)
		return sources.String(), ok
	case "queue_fill":
		queue, ok := a.host.Queue(netns, uint16(q.Values["queue.number"].Number))
		return queue.String(), ok
	}
	return "", false
}

func (a answers) listeners(q explain.Question, netns uint32) (string, bool) {
	protocol := resolve.UDP
	if strings.HasPrefix(q.Cause.Site, "no_tcp") {
		protocol = resolve.TCP
	}
	return a.host.Missed(netns, protocol, resolve.Packet{
		Source: endOf(q, "src", "sport"), Destination: endOf(q, "dst", "dport"), Device: uint32(q.Values["iif"].Number),
	})
}

// endOf returns an end of the packet, from the values of the site.
func endOf(q explain.Question, address, port string) netip.AddrPort {
	text := q.Values[address+"4"].Text
	if text == "" {
		text = q.Values[address+"6"].Text
	}
	a, _ := netip.ParseAddr(text) // without an address, no socket matches but those on any address
	return netip.AddrPortFrom(a, uint16(q.Values[port].Number))
}

func (a answers) rule(q explain.Question, netns uint32) (string, bool) {
	rule, ok := a.host.Rule(netns, resolve.RuleKey{
		Family: q.Values["nft_rule.family"].Text, Table: q.Values["nft_rule.table"].Text, Chain: q.Values["nft_rule.chain"].Text,
		Handle: q.Values["nft_rule.handle"].Number, TableHandle: q.Values["nft_rule.table_handle"].Number,
		Hook: q.Values["nft_rule.hook"].Text, At: timeOf(q.Event.Time),
	})
	// The text of the cause already has the hook.
	hook := fmt.Sprintf("; hook %s, priority %s", q.Values["nft_rule.hook"].Text, q.Values["nft_rule.priority"].Text)
	return strings.Replace(rule.String(), hook, "", 1), ok
}

// legacyTables are the decisions with the table and the rule, by cause.
var legacyTables = map[string]struct{ table, rule string }{
	"iptables-rule": {"ipt_table.", "xt_rule."}, "ebtables-rule": {"ebt_table.", "ebt_rule."},
}

func (a answers) legacyRule(q explain.Question, netns uint32) (string, bool) {
	from := legacyTables[q.Cause.ID]
	number := func(key string) uint64 { return q.Values[from.rule+key].Number }
	rule, ok := a.host.LegacyRule(netns, resolve.LegacyKey{
		Family: uint8(q.Values[from.table+"pf"].Number), Table: q.Values[from.table+"table"].Text, Hook: q.Values[from.table+"hook"].Text,
		Offset: number("offset"), Size: number("size"), Rules: number("rules"), Hash: number("hash"), At: timeOf(q.Event.Time),
	})
	switch {
	case q.Key == "rule":
		return rule.String(), ok
	case rule.Gone:
		return "", false
	}
	return rule.Name(), ok
}

// timeOf converts the time of an event, in ns of CLOCK_MONOTONIC, to a time.Time.
func timeOf(monotonic uint64) time.Time {
	var now unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) != nil {
		return time.Time{}
	}
	return time.Now().Add(time.Duration(int64(monotonic) - now.Nano()))
}

// owner returns the process of the socket of the cause.
func (a answers) owner(q explain.Question) (string, bool) {
	inode, known := q.Value("inode")
	if !known {
		return "", false
	}
	process, ok := a.host.Owner(inode.Number)
	return process.String(), ok
}
