// SPDX-License-Identifier: Apache-2.0

package guest

import (
	endian "encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// nftDrop is a packet to a port that a rule drops, or the policy of a chain if there is no such rule.
type nftDrop struct {
	port uint16
	// rule is the comment of the rule, chain the one whose policy drops.
	rule, chain string
	hook        string
	ipv6, sent  bool // over IPv6, or by namespace b itself
	// bridged is set for a frame to the port of a bridge, which is for the bridge itself.
	bridged bool
	// needs is the member of a struct of the kernel without which there is no such hook.
	needs [2]string
}

var nftDrops = []nftDrop{
	{port: 1001, rule: "port", hook: "input"}, {port: 1002, rule: "set", hook: "input"}, {port: 1003, rule: "jumped twice", hook: "input"},
	{port: 1004, rule: "jumped once", hook: "input"}, {port: 1005, rule: "returned", hook: "input"}, {port: 1006, rule: "reject", hook: "input"},
	{port: 1007, rule: "middle", hook: "input"}, {port: 1008, rule: "mark", hook: "input"}, {port: 1009, rule: "goto", hook: "input"},
	{port: 1010, rule: "map", hook: "input"}, {port: 1011, rule: "mapped jump", hook: "input"}, {port: 1012, rule: "mapped goto", hook: "input"},
	{port: 1013, rule: "returned from map", hook: "input"}, {port: 1021, rule: "many chains", hook: "input"},
	{port: 1022, rule: "reject", hook: "input", ipv6: true}, {port: 1001, rule: "port", hook: "input", ipv6: true},
	{port: 1030, rule: "other family", hook: "prerouting"}, {port: 1040, rule: "ingress", hook: "ingress"},
	{port: 1060, rule: "six", hook: "input", ipv6: true},
	{port: 3001, chain: "inet/second/strict", hook: "input"}, {port: 3002, chain: "inet/second/strict", hook: "input"}, {port: 3003, chain: "inet/second/strict", hook: "input"},
	{port: 3004, chain: "inet/second/strict", hook: "input"}, {port: 3001, chain: "inet/second/strict", hook: "input", ipv6: true},
	{port: 4001, rule: "sent", hook: "output", sent: true},
	{port: 1041, rule: "inlet", hook: "ingress"},
	{port: 4002, rule: "leaving", hook: "egress", sent: true, needs: egressHooks},
	{port: 1050, rule: "target", hook: "input"}, {port: 1051, rule: "behind a target", hook: "input"},
	{port: 1061, rule: "bridged", hook: "prerouting", bridged: true}, {port: 1062, rule: "to the bridge", hook: "input", bridged: true},
	{port: 1063, chain: "bridge/switch/input", hook: "input", bridged: true},
}

// egressHooks came with 5.16.
var egressHooks = [2]string{"net_device", "nf_hooks_egress"}

// possibleDrops are the nftDrops that this kernel makes possible.
func possibleDrops() []nftDrop {
	return slices.DeleteFunc(slices.Clone(nftDrops), func(d nftDrop) bool { return d.needs[0] != "" && !hasMember(d.needs[0], d.needs[1]) })
}

func udpPort(port uint16, rest ...expr.Any) []expr.Any {
	return append(ktest.ToPort(unix.IPPROTO_UDP, port), rest...)
}

func portIn(lookup expr.Any, rest ...expr.Any) []expr.Any {
	return append(append(ktest.PortOf(unix.IPPROTO_UDP), lookup), rest...)
}

func verdict(kind expr.VerdictKind, chain string) *expr.Verdict {
	return &expr.Verdict{Kind: kind, Chain: chain}
}

func counted(e ...expr.Any) []expr.Any { return append([]expr.Any{&expr.Counter{}}, e...) }

// addNftDrops adds the rules of nftDrops to a namespace.
func addNftDrops(t *testing.T, n *ktest.Netns, device string) {
	t.Helper()
	r := ktest.NewRuleset(t, n)
	addFirstTable(r)
	addStrictTable(r)
	addOtherTables(r, device)
	addTargets(r)
	addBridgeTable(r)
	if hasMember(egressHooks[0], egressHooks[1]) {
		leaving := r.Base(r.Table(nftables.TableFamilyNetdev, "leave"), "egress", nftables.ChainHookEgress, 0, nftables.ChainPolicyAccept, device)
		r.Rule(leaving, "leaving", udpPort(4002, counted(verdict(expr.VerdictDrop, ""))...)...)
	}
	r.Commit()
}

func addFirstTable(r *ktest.Ruleset) {
	drop := counted(verdict(expr.VerdictDrop, ""))
	table := r.Table(nftables.TableFamilyINet, "first")
	chains := map[string]*nftables.Chain{}
	for _, name := range []string{"returns", "deeper", "deep", "gone", "mapped", "mapped-goto", "outer"} {
		chains[name] = r.Chain(table, name)
	}
	input := r.Base(table, "input", nftables.ChainHookInput, 0, nftables.ChainPolicyAccept, "")
	r.Rule(chains["returns"], "returns", udpPort(1, verdict(expr.VerdictAccept, ""))...)
	r.Rule(chains["deeper"], "jumped twice", udpPort(1003, drop...)...)
	r.Rule(chains["deep"], "to deeper", verdict(expr.VerdictJump, "deeper"))
	r.Rule(chains["deep"], "jumped once", udpPort(1004, drop...)...)
	r.Rule(chains["gone"], "goto", drop...)
	r.Rule(chains["mapped"], "mapped jump", udpPort(1011, drop...)...)
	r.Rule(chains["mapped-goto"], "mapped goto", drop...)
	for i := range 20 {
		name := fmt.Sprint("many-", i)
		r.Chain(table, name)
		r.Rule(chains["outer"], "to "+name, verdict(expr.VerdictJump, name))
	}
	r.Rule(chains["outer"], "many chains", drop...)

	set := r.Ports(table, ktest.PortElement(1002, nil), ktest.PortElement(1098, nil))
	actions := r.Ports(table, ktest.PortElement(1010, verdict(expr.VerdictDrop, "")), ktest.PortElement(1011, verdict(expr.VerdictJump, "mapped")),
		ktest.PortElement(1012, verdict(expr.VerdictGoto, "mapped-goto")), ktest.PortElement(1013, verdict(expr.VerdictJump, "returns")))
	rejected := r.Ports(table, ktest.PortElement(1006, nil), ktest.PortElement(1022, nil))
	r.Rule(input, "port", udpPort(1001, drop...)...)
	r.Rule(input, "set", portIn(set, drop...)...)
	r.Rule(input, "to deep", verdict(expr.VerdictJump, "deep"))
	r.Rule(input, "returned", udpPort(1005, drop...)...)
	const unreachable, admin = 2, 3 // NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED
	r.Rule(input, "reject", portIn(rejected, counted(&expr.Reject{Type: unreachable, Code: admin})...)...)
	r.Rule(input, "middle", udpPort(1007, &expr.Counter{}, verdict(expr.VerdictDrop, ""), &expr.Counter{})...)
	r.Rule(input, "mark", udpPort(1008, counted(&expr.Immediate{Register: 1, Data: []byte{0, 0, 0, 0}},
		&expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: 1}, verdict(expr.VerdictDrop, ""))...)...)
	r.Rule(input, "to gone", udpPort(1009, verdict(expr.VerdictGoto, "gone"))...)
	r.Rule(input, "map", portIn(actions)...)
	r.Rule(input, "returned from map", udpPort(1013, drop...)...)
	r.Rule(input, "to outer", udpPort(1021, verdict(expr.VerdictJump, "outer"))...)
}

// addStrictTable adds a table whose base chain drops all datagrams to ports from 3000 on by its policy.
func addStrictTable(r *ktest.Ruleset) {
	table := r.Table(nftables.TableFamilyINet, "second")
	nothing := r.Chain(table, "nothing")
	chain := r.Base(table, "strict", nftables.ChainHookInput, 10, nftables.ChainPolicyDrop, "")
	r.Rule(nothing, "nothing", udpPort(1, verdict(expr.VerdictDrop, ""))...)
	r.Rule(chain, "other protocols", &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: []byte{unix.IPPROTO_UDP}}, verdict(expr.VerdictAccept, ""))
	r.Rule(chain, "low ports", portIn(&expr.Cmp{Op: expr.CmpOpLt, Register: 1, Data: []byte{3000 >> 8, 3000 & 0xff}}, verdict(expr.VerdictAccept, ""))...)
	actions := r.Ports(table, ktest.PortElement(3004, verdict(expr.VerdictJump, "nothing")), ktest.PortElement(3099, verdict(expr.VerdictDrop, "")))
	r.Rule(chain, "map without effect", portIn(actions)...)
	r.Rule(chain, "to nothing", udpPort(3003, verdict(expr.VerdictJump, "nothing"))...)
	r.Rule(chain, "return", udpPort(3002, verdict(expr.VerdictReturn, ""))...)
}

// hookOfInetIngress is NF_INET_INGRESS.
var hookOfInetIngress = nftables.ChainHookRef(5)

// addOtherTables adds tables of other families, two with names that exist in another family.
func addOtherTables(r *ktest.Ruleset, device string) {
	drop := counted(verdict(expr.VerdictDrop, ""))
	early := r.Base(r.Table(nftables.TableFamilyIPv4, "first"), "input", nftables.ChainHookPrerouting, -300, nftables.ChainPolicyAccept, "")
	r.Rule(early, "other family", udpPort(1030, drop...)...)
	six := r.Base(r.Table(nftables.TableFamilyIPv6, "six"), "input", nftables.ChainHookInput, -10, nftables.ChainPolicyAccept, "")
	r.Rule(six, "six", udpPort(1060, drop...)...)
	out := r.Base(r.Table(nftables.TableFamilyINet, "out"), "output", nftables.ChainHookOutput, 0, nftables.ChainPolicyAccept, "")
	r.Rule(out, "sent", udpPort(4001, drop...)...)
	inlet := r.Base(r.Table(nftables.TableFamilyINet, "inlet"), "inlet", hookOfInetIngress, 0, nftables.ChainPolicyAccept, device)
	r.Rule(inlet, "inlet", udpPort(1041, drop...)...)
	ingress := r.Base(r.Table(nftables.TableFamilyNetdev, "dev"), "ingress", nftables.ChainHookIngress, 0, nftables.ChainPolicyAccept, device)
	r.Rule(ingress, "ingress", udpPort(1040, drop...)...)
}

// addTargets adds rules as iptables-nft writes them, with targets of iptables: one that drops, and one that continues.
func addTargets(r *ktest.Ruleset) {
	const unreachable = 3 // IPT_ICMP_PORT_UNREACHABLE
	input := r.Base(r.Table(nftables.TableFamilyIPv4, "filter"), "INPUT", nftables.ChainHookInput, -5, nftables.ChainPolicyAccept, "")
	r.Rule(input, "target", udpPort(1050, counted(target("REJECT", 0, unreachable, 0))...)...)
	r.Rule(input, "behind a target", udpPort(1051, counted(target("MARK", 2, 0, 0), verdict(expr.VerdictDrop, ""))...)...)
}

// target is a target of iptables with a revision and its settings, which have the size of a multiple of 8 bytes.
func target(name string, revision uint32, settings ...uint32) expr.Any {
	var info xt.Unknown
	for _, s := range settings {
		info = endian.NativeEndian.AppendUint32(info, s)
	}
	return &expr.Target{Name: name, Rev: revision, Info: &info}
}

// addBridgeTable adds chains for frames that a bridge receives.
func addBridgeTable(r *ktest.Ruleset) {
	drop := counted(verdict(expr.VerdictDrop, ""))
	table := r.Table(nftables.TableFamilyBridge, "switch")
	early := r.Base(table, "early", nftables.ChainHookPrerouting, 0, nftables.ChainPolicyAccept, "")
	r.Rule(early, "bridged", udpPort(1061, drop...)...)
	input := r.Base(table, "input", nftables.ChainHookInput, 10, nftables.ChainPolicyDrop, "")
	r.Rule(input, "to the bridge", udpPort(1062, drop...)...)
	r.Rule(input, "other protocols", &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: []byte{unix.IPPROTO_UDP}}, verdict(expr.VerdictAccept, ""))
}

// addBridge adds a bridge to the namespace b, to whose port the device vp of namespace a sends.
func addBridge(t *testing.T, w *world) {
	t.Helper()
	ktest.NewVeth(t, ktest.End{Netns: w.a, Name: "vp"}, ktest.End{Netns: w.b, Name: "vq"})
	ktest.NewBridge(t, ktest.End{Netns: w.b, Name: "br0"}, "vq")
}

// sendFrames sends two datagrams to the bridge.
func (d nftDrop) sendFrames(w *world) error {
	link := ktest.Link{Device: "vp", To: ktest.HardwareAddr(w.t, w.b, "br0")}
	packet := udp(a4+":5000", fmt.Sprint(b4, ":", d.port)).Packet().Bytes()
	return w.a.Do(func() error { return errors.Join(link.SendPacket(packet), link.SendPacket(packet)) })
}

// send sends two datagrams.
func (d nftDrop) send(w *world) error {
	if d.bridged {
		return d.sendFrames(w)
	}
	from, to, at := a4, b4, w.a
	switch {
	case d.sent:
		from, to, at = b4, a4, w.b
	case d.ipv6:
		from, to = "["+a6+"]", "["+b6+"]"
	}
	return at.Do(func() error {
		for range 2 {
			err := udp(from+":5000", fmt.Sprint(to, ":", d.port)).Send(1)
			if err != nil && !d.sent { // sendto fails if the sender's own rules drop the packet
				return err
			}
		}
		return nil
	})
}

func (d nftDrop) matches(r *record) bool {
	return r.Tuple.Dport != nil && *r.Tuple.Dport == int(d.port) && strings.Contains(r.Tuple.Source, ":") == d.ipv6
}

var familyNames = map[nftables.TableFamily]string{
	nftables.TableFamilyINet: "inet", nftables.TableFamilyIPv4: "ip", nftables.TableFamilyIPv6: "ip6", nftables.TableFamilyNetdev: "netdev",
	nftables.TableFamilyBridge: "bridge",
}

// want returns the beginning of the text of the cause.
func (d nftDrop) want(rules []ktest.ListedRule) string {
	if d.chain != "" {
		return "policy drop of the nftables chain " + d.chain + ": no rule accepted the packet; hook " + d.hook + ", priority 10"
	}
	for _, r := range rules {
		if r.Comment == d.rule {
			return fmt.Sprintf("nftables rule %s/%s/%s handle %d; hook %s, priority ", familyNames[r.Family], r.Table, r.Chain, r.Handle, d.hook)
		}
	}
	return "no rule " + d.rule
}

// TestNftRule checks that the cause of a drop by nftables has the handle of the rule that netlink lists, or the chain
// whose policy drops, that the counters of the rules agree, and that the ruleset stays as it was.
func TestNftRule(t *testing.T) {
	backends := functionBackends(t)
	w := newWorld(t)
	addBridge(t, w)
	addNftDrops(t, w.b, "vb")
	before := ktest.DumpRuleset(t, w.b)
	for _, backend := range backends {
		t.Run(backend, func(t *testing.T) { checkNftDrops(t, w, "--drop", "--backend", backend) })
	}
	if slices.Contains(backends, kprobeMulti) {
		t.Run("kretprobe-multi", func(t *testing.T) { checkNftDropsWithoutSession(t, w) })
	}
	if after := ktest.DumpRuleset(t, w.b); after != before {
		t.Errorf("the ruleset changed, before:\n%s\nafter:\n%s", before, after)
	}
}

// checkNftDropsWithoutSession traces some functions, too, so that their returns have probes of their own.
func checkNftDropsWithoutSession(t *testing.T, w *world) {
	p := checkNftDrops(t, w, "--backend", kprobeMulti, "--output-why", "--filter-func", "ip_rcv|tp:kfree_skb", "--debug")
	if want := "debug: returns are traced by kretprobe-multi"; !strings.Contains(p.stderr(), want) {
		t.Errorf("stderr does not say %q: %s", want, p.stderr())
	}
}

func checkNftDrops(t *testing.T, w *world, args ...string) *process {
	t.Helper()
	before := ktest.ListRules(t, w.b)
	p := start(t, append(args, "--why", "netfilter", "udp src port 5000")...)
	for _, d := range possibleDrops() {
		if err := d.send(w); err != nil {
			t.Errorf("port %d: %v", d.port, err)
		}
	}
	events := p.stop().events.that(dropped)
	for _, d := range possibleDrops() {
		list := events.that(d.matches)
		if len(list) < 2 {
			t.Errorf("port %d: %d drops, want 2", d.port, len(list))
		}
		for _, r := range list {
			checkNftCause(t, d, &r, d.want(before))
		}
	}
	checkNftCounters(t, events, before, ktest.ListRules(t, w.b))
	return p
}

// checkNftCause checks the cause.
func checkNftCause(t *testing.T, d nftDrop, r *record, want string) {
	t.Helper()
	switch {
	case r.Why == nil:
		t.Errorf("port %d: no cause: %v", d.port, r)
	case !strings.HasPrefix(r.Why.Text, want):
		t.Errorf("port %d at %s: cause %s: %q %v, want %q", d.port, r.Location, r.Why.Cause, r.Why.Text, r.Why.Values, want)
	}
}

// checkNftCounters compares the number of drops by each rule with its counter.
func checkNftCounters(t *testing.T, events records, before, after []ktest.ListedRule) {
	t.Helper()
	for i, r := range after {
		dropping := slices.ContainsFunc(nftDrops, func(d nftDrop) bool { return d.rule == r.Comment })
		if !dropping || r.Comment == "map" { // it counts nothing
			continue
		}
		text := fmt.Sprintf("nftables rule %s/%s/%s handle %d;", familyNames[r.Family], r.Table, r.Chain, r.Handle)
		n := len(events.that(func(e *record) bool { return e.Why != nil && strings.HasPrefix(e.Why.Text, text) }))
		if counted := r.Packets - before[i].Packets; uint64(n) != counted {
			t.Errorf("rule %q: %d drops, but its counter says %d", r.Comment, n, counted)
		}
	}
}

// TestNftRuleOfLaterModule checks that drops have an unknown cause if an expression of a module that was loaded after
// the start may have dropped the packet. Its functions are not probed, so the policy would be a wrong guess.
func TestNftRuleOfLaterModule(t *testing.T) {
	needDedicatedMachine(t)
	backends := functionBackends(t)
	const module = "nft_reject_inet"
	if _, err := os.Stat(filepath.Join(os.Getenv("MODULES"), module+".ko")); err != nil {
		t.Skipf("%s is no module: %v", module, err)
	}
	w := newWorld(t)
	for _, backend := range backends {
		t.Run(backend, func(t *testing.T) { dropByLaterModule(t, w, backend, module) })
	}
}

func dropByLaterModule(t *testing.T, w *world, backend, module string) {
	awaitUnload(t, module)
	p := start(t, "--backend", backend, "--drop", "--why", "netfilter", "udp src port 5000")
	load(t, module)
	r := ktest.NewRuleset(t, w.b)
	chain := r.Base(r.Table(nftables.TableFamilyINet, "later"), "input", nftables.ChainHookInput, 0, nftables.ChainPolicyDrop, "")
	r.Rule(chain, "later", udpPort(1001, &expr.Reject{Type: unix.NFT_REJECT_ICMPX_UNREACH, Code: 1})...)
	r.Commit()
	for _, port := range []uint16{1001, 1002} {
		if err := (nftDrop{port: port}).send(w); err != nil {
			t.Error(err)
		}
	}
	drops := p.stop().events.that(dropped)
	drops.present(t, "drops by the module and by the policy")
	drops.that(func(r *record) bool { return r.Why == nil || r.Why.Cause != "unknown" }).absent(t, "drop with a guessed cause")
	ktest.FlushRules(t, w.b)
}

// awaitUnload unloads a module, which the rules of earlier tests may still use for a moment.
func awaitUnload(t *testing.T, module string) {
	t.Helper()
	var err error
	for range 100 {
		if err = unix.DeleteModule(module, unix.O_NONBLOCK); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("unload %s: %v", module, err)
}
