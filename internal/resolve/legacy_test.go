// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// legacyRules are loaded into the table filter. Those of the second list need matches that not every kernel has.
var (
	legacyRules = []string{
		"-s 10.0.0.0/8 -p tcp -m tcp --dport 25 -j DROP",
		"! -s 10.1.2.3/32 -d 10.9.0.0/255.0.255.0 ! -i eth+ -o lo -j DROP",
		"-i veth0 ! -p udp -j DROP", "-p gre -j DROP", "-p 200 -j DROP", "-f -j DROP", "! -f -j DROP", "-d 10.0.0.1/32 -j RETURN",
		"-p tcp -m tcp ! --sport 1024:65535 --dport 80 --tcp-flags FIN,SYN,RST,ACK SYN -j DROP",
		"-p tcp -m tcp --tcp-option 5 -j DROP", "-p tcp -m tcp ! --tcp-flags FIN,SYN NONE -j DROP",
		"-p udp -m udp --sport 53 ! --dport 1000:2000 -j ACCEPT",
		"-p icmp -m icmp --icmp-type 8 -j DROP", "-p icmp -m icmp ! --icmp-type 3/4 -j DROP", "-p icmp -m icmp --icmp-type any -j DROP",
		"-j deep", "-p udp -g deep",
	}
	legacyMatchRules = []string{
		`-p udp -m comment --comment "two words, a \" and a '" -j DROP`, "-m comment --comment plain-1 -j DROP",
		"-p tcp -m multiport --dports 80,443,1000:2000 -j DROP", "-p udp -m multiport ! --sports 53 -j DROP", "-p tcp -m multiport --ports 1,2 -j DROP",
		"-m conntrack --ctstate INVALID,NEW,UNTRACKED -j DROP", "-m conntrack ! --ctstate RELATED,ESTABLISHED -j DROP", "-m state --state NEW -j DROP",
		"-m mark --mark 0x10 -j DROP", "-m mark ! --mark 0x1/0xff -j DROP",
		"-j REJECT --reject-with icmp-port-unreachable", "-p tcp -j REJECT --reject-with tcp-reset", "-j REJECT --reject-with icmp-admin-prohibited",
	}
	legacyRules6 = []string{
		"-s fd00::/8 -d ff02::1/128 -i lo -p tcp -m tcp --dport 25 -j DROP", "! -s fd00:1::1/128 -p ipv6-icmp -m icmp6 --icmpv6-type 135 -j DROP",
		"-p ipv6-icmp -m icmp6 --icmpv6-type 1/3 -j DROP", "-p udp -g deep",
	}
	// partialRules have parts that this package does not print.
	partialRules = map[string]string{
		"-p udp -m limit --limit 5/min -j DROP":                        "-p udp [-m limit] -j DROP",
		"-m conntrack --ctstate NEW --ctproto tcp -j DROP":             "[-m conntrack] -j DROP",
		"-p udp -m udp --dport 9 -m addrtype --dst-type LOCAL -j DROP": "-p udp -m udp --dport 9 [-m addrtype] -j DROP",
	}
)

// inNetns runs a program in a namespace.
func inNetns(t *testing.T, n *ktest.Netns, name string, args ...string) (output string, err error) {
	t.Helper()
	path := needs(t, name)
	err = n.Do(func() error {
		b, err := exec.Command(path, args...).Output()
		output = string(b)
		return err
	})
	return output, err
}

// addLegacy adds a rule to the chain FORWARD; it returns false if the kernel lacks a match.
func addLegacy(t *testing.T, n *ktest.Netns, tool, rule string) bool {
	t.Helper()
	quoted := strings.NewReplacer(`\"`, "\x01").Replace(rule)
	var args []string
	for i, part := range strings.Split(quoted, `"`) {
		if i%2 == 0 {
			args = append(args, strings.Fields(part)...)
		} else {
			args = append(args, strings.ReplaceAll(part, "\x01", `"`))
		}
	}
	_, err := inNetns(t, n, tool, append([]string{"-A", "FORWARD"}, args...)...)
	return err == nil
}

// legacyTableOf reads a table.
func legacyTableOf(t *testing.T, h *Host, n *ktest.Netns, family uint8) *legacyTable {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	ns, err := h.enter(n.Inode)
	if err != nil {
		t.Fatal(err)
	}
	table, err := ns.legacyTable(legacyFormats[family], LegacyKey{Family: family, Table: "filter"})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// legacyTexts returns the texts of the rules of a chain.
func legacyTexts(t *legacyTable, chain string) (texts []string, partial int) {
	for _, c := range t.chains {
		if c.name != chain {
			continue
		}
		for _, r := range c.rules {
			if r.number == 0 {
				continue
			}
			text := t.format.print(t, r)
			texts = append(texts, text.String())
			if text.partial {
				partial++
			}
		}
	}
	return texts, partial
}

// TestLegacyTexts compares the texts of rules with those of iptables-save.
func TestLegacyTexts(t *testing.T) {
	for _, test := range []struct {
		family           uint8
		tool             string
		needed, optional []string
	}{
		{unix.NFPROTO_IPV4, "iptables-legacy", legacyRules, legacyMatchRules},
		{unix.NFPROTO_IPV6, "ip6tables-legacy", legacyRules6, nil},
	} {
		n := ktest.NewNetns(t, "resolve-"+test.tool)
		if _, err := inNetns(t, n, test.tool, "-N", "deep"); err != nil {
			t.Fatal(err)
		}
		for _, rule := range test.needed {
			if !addLegacy(t, n, test.tool, rule) {
				t.Fatalf("%s -A FORWARD %s: refused", test.tool, rule)
			}
		}
		for _, rule := range test.optional {
			if !addLegacy(t, n, test.tool, rule) {
				t.Logf("this kernel lacks a part of %s", rule)
			}
		}
		saved, err := inNetns(t, n, test.tool+"-save", "-t", "filter")
		if err != nil {
			t.Fatal(err)
		}
		got, partial := legacyTexts(legacyTableOf(t, newHost(t, "none"), n, test.family), "FORWARD")
		var want []string
		for line := range strings.Lines(saved) {
			if rule, ok := strings.CutPrefix(strings.TrimSpace(line), "-A FORWARD "); ok {
				want = append(want, rule)
			}
		}
		if len(got) != len(want) || len(got) < len(test.needed) || partial > 0 {
			t.Fatalf("%s: %d rules, %d partial, want %d:\n%s", test.tool, len(got), partial, len(want), strings.Join(got, "\n"))
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: %s, want %s", test.tool, got[i], want[i])
			}
		}
	}
}

// TestPartialLegacyTexts checks that what is not printed is in brackets.
func TestPartialLegacyTexts(t *testing.T) {
	tried := 0
	for rule, want := range partialRules {
		n := ktest.NewNetns(t, fmt.Sprint("resolve-partial", len(rule)))
		if !addLegacy(t, n, "iptables-legacy", rule) {
			t.Logf("this kernel lacks a part of %s", rule)
			continue
		}
		tried++
		got, partial := legacyTexts(legacyTableOf(t, newHost(t, "none"), n, unix.NFPROTO_IPV4), "FORWARD")
		if len(got) != 1 || got[0] != want || partial != 1 {
			t.Errorf("%s: %q, want %q", rule, got, want)
		}
	}
	if tried == 0 {
		t.Log("this kernel has none of the matches")
	}
}

// legacyChains are the rules of the following tests.
func legacyChains(last string) []ktest.LegacyChain {
	return []ktest.LegacyChain{
		{Name: "INPUT", Policy: "DROP", Rules: []ktest.LegacyRule{
			{Port: 1, Target: "DROP"}, {Port: 2, Target: "ufw-user-input"}, {Port: 3, Target: "twice"}, {Port: 4, Target: "twice", Goto: true},
		}},
		{Name: "ufw-user-input", Rules: []ktest.LegacyRule{{Port: 5, Target: "RETURN"}, {Target: "far", Goto: true}}},
		{Name: "far", Rules: []ktest.LegacyRule{{Port: 7, Target: last}}},
		{Name: "twice", Rules: []ktest.LegacyRule{{Target: "DROP"}}},
		{Name: "never", Rules: []ktest.LegacyRule{{Target: "DROP"}}},
	}
}

// keysOfDrops returns the keys of the rules that drop packets, as the kernel half would find them, in their order.
func keysOfDrops(table *legacyTable, family uint8, hook string) (keys []LegacyKey) {
	for at := range len(table.raw) {
		if r := table.rules[at]; r != nil && r.drops {
			keys = append(keys, LegacyKey{
				Family: family, Table: "filter", Hook: hook, Offset: uint64(at), Size: uint64(len(table.raw)), Rules: uint64(table.count),
				Hash: hashOf(r.entry[:table.format.conditions]), At: time.Now(),
			})
		}
	}
	return keys
}

// TestLegacyRuleOfDrop checks number, chain, path and author of rules, and what is told if the table changes.
func TestLegacyRuleOfDrop(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-legacydrop")
	for version, family := range map[int]uint8{4: unix.NFPROTO_IPV4, 6: unix.NFPROTO_IPV6} {
		ktest.SetLegacyRules(t, n, version, legacyChains("DROP")...)
		keys := keysOfDrops(legacyTableOf(t, newHost(t, "none"), n, family), family, "input")
		want := []string{
			"rule 1 of INPUT: -p udp -m udp --dport 1 -j DROP",
			"policy DROP of INPUT",
			"rule 1 of far: -p udp -m udp --dport 7 -j DROP; reached by INPUT -> rule 2 jump ufw-user-input -> rule 2 goto far",
			"rule 1 of twice: -j DROP",
			"", // not reached
		}
		names := []string{"INPUT rule 1", "policy of INPUT", "far rule 1", "twice rule 1"}
		if len(keys) != len(want) {
			t.Fatalf("%d rules drop packets, want %d", len(keys), len(want))
		}
		const uncertain = "; if the table was not replaced since"
		h := newHost(t, "none")
		for i, key := range keys {
			rule, ok := h.LegacyRule(n.Inode, key)
			switch {
			case want[i] == "":
				if !rule.Gone {
					t.Errorf("a rule that the hook does not lead to: %s", rule)
				}
			case !ok || rule.String() != want[i]+uncertain || rule.Name() != names[i]:
				t.Errorf("version %d: %q, %q, %v, want %q", version, rule.String(), rule.Name(), ok, want[i])
			}
		}
		checkLaterLegacyRules(t, n, h, version, keys[3], want[3])
	}
}

// checkLaterLegacyRules checks that the answer is certain if the table was the same before the drop, and that it is
// noticed if the table is another one.
func checkLaterLegacyRules(t *testing.T, n *ktest.Netns, h *Host, version int, key LegacyKey, want string) {
	t.Helper()
	later := func() LegacyRule {
		t.Helper()
		key.At = time.Now()
		time.Sleep(2*clockSlack + time.Millisecond)
		h.namespaces[n.Inode].legacy[legacyTableKey{key.Family, key.Table}].pace = pace{}
		rule, ok := h.LegacyRule(n.Inode, key)
		if !ok {
			t.Fatal("no answer")
		}
		return rule
	}
	time.Sleep(2*clockSlack + time.Millisecond)
	if rule := later(); !rule.Certain || rule.String() != want {
		t.Errorf("version %d: %s, certain %v", version, rule, rule.Certain)
	}
	ktest.SetLegacyRules(t, n, version, legacyChains("ACCEPT")...)
	if rule := later(); rule.Certain {
		t.Errorf("version %d: certain about %s, but the table is a later one", version, rule)
	}
	changed := legacyChains("DROP")
	changed[3].Rules[0].Other = true // the table has the same size
	ktest.SetLegacyRules(t, n, version, changed...)
	if rule := later(); !rule.Gone || rule.String() != "the table was replaced since" {
		t.Errorf("version %d: %s, but the rule is another one", version, rule)
	}
	key.Table = "nosuchtable"
	if rule, ok := h.LegacyRule(n.Inode, key); ok {
		t.Errorf("version %d: %s of a table that does not exist", version, rule)
	}
}

// TestLegacyAuthor checks that chains and comments on the way tell who wrote a rule.
func TestLegacyAuthor(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-legacyauthor")
	ktest.SetLegacyRules(t, n, 4,
		ktest.LegacyChain{Name: "INPUT", Rules: []ktest.LegacyRule{{Target: "KUBE-SERVICES"}}},
		ktest.LegacyChain{Name: "KUBE-SERVICES", Rules: []ktest.LegacyRule{{Port: 80, Comment: "shop/web:http has no endpoints", Target: "DROP"}}})
	keys := keysOfDrops(legacyTableOf(t, newHost(t, "none"), n, unix.NFPROTO_IPV4), unix.NFPROTO_IPV4, "input")
	if len(keys) != 1 {
		t.Fatalf("%d rules drop packets", len(keys))
	}
	rule, ok := newHost(t, "none").LegacyRule(n.Inode, keys[0])
	if want := "kube-proxy (service shop/web:http)"; !ok || rule.Author != want {
		t.Errorf("%v, author %q, want %q: %s", ok, rule.Author, want, rule)
	}
}

// TestDamagedTables checks that tables with random bytes are refused or printed without a panic, and that some of each are
// printed.
func TestDamagedTables(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-damaged")
	ktest.SetLegacyRules(t, n, 4, legacyChains("DROP")...)
	f := legacyFormats[unix.NFPROTO_IPV4]
	sound := legacyTableOf(t, newHost(t, "none"), n, unix.NFPROTO_IPV4).raw
	info := &xtInfo{valid: 2, entry: []int{0, 0}, underflow: []int{0, 0}}
	bridge := ktest.EbtTable(bridgeChains...)
	random := rand.New(rand.NewPCG(1, 2))
	ofIP, ofBridge := 0, 0
	for range 20_000 {
		ofIP += damagedTable(random, sound, func(raw []byte) (*legacyTable, error) { return parseXtables(f, info, raw) })
		ofBridge += damagedTable(random, bridge, func(raw []byte) (*legacyTable, error) {
			return parseEbtables(legacyFormats[unix.NFPROTO_BRIDGE], raw)
		})
	}
	if ofIP < 1000 || ofBridge < 1000 {
		t.Errorf("printed %d and %d rules of damaged tables", ofIP, ofBridge)
	}
}

// damagedTable changes some bytes, and prints all rules. It returns their number, 0 if the table is refused.
func damagedTable(random *rand.Rand, sound []byte, parse func([]byte) (*legacyTable, error)) int {
	raw := append([]byte(nil), sound...)
	for range 1 + random.IntN(8) {
		raw[random.IntN(len(raw))] = byte(random.Uint32())
	}
	table, err := parse(raw[:len(raw)-random.IntN(2)*random.IntN(len(raw))])
	if err != nil {
		return 0
	}
	for at, r := range table.rules {
		table.describe(r, LegacyKey{Hook: "input", Offset: uint64(at)})
	}
	return len(table.rules)
}
