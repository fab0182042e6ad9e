// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// policies is a ruleset with a rule in a chain to which a base chain jumps.
const policies = `table inet netpol {
	map ports { type inet_service : verdict; elements = { 80 : jump web, 81 : accept } }
	chain web { tcp dport 80 ip saddr 1.2.3.4 drop comment "web"; }
	chain deny { ip saddr 10.244.0.11 udp dport 5353 counter drop comment "netpol-42"; }
	chain lonely { drop comment "lonely"; }
	chain forward {
		type filter hook forward priority filter; policy accept;
		udp dport 5353 jump deny
		tcp dport vmap @ports
		tcp dport 99 jump { counter; ip saddr 5.6.7.8 drop comment "inner"; }
	}
	chain input {
		type filter hook input priority filter + 5; policy drop;
		tcp dport vmap { 22 : accept, 80 : goto web }
		jump lonely2
	}
	chain lonely2 { goto both; }
	chain both { drop comment "both"; }
	chain output {
		type filter hook output priority 0; policy accept;
		jump both
	}
}
`

// handleOf returns the handle of the rule with a comment, and its chain.
func handleOf(t *testing.T, n *ktest.Netns, table, comment string) (chain string, handle uint64) {
	t.Helper()
	_, content := tableOf(t, newHost(t, "none"), n, tableKey{unix.NFPROTO_INET, table})
	for handle, r := range content.rules {
		if r.comment == comment {
			return r.chain, handle
		}
	}
	t.Fatalf("no rule %q", comment)
	return "", 0
}

// keyOf returns the key of the rule with a comment, for a drop at this moment.
func keyOf(t *testing.T, n *ktest.Netns, table, comment string) RuleKey {
	t.Helper()
	chain, handle := handleOf(t, n, table, comment)
	return RuleKey{Family: "inet", Table: table, Chain: chain, Handle: handle, At: time.Now()}
}

// TestRule checks the whole answer, with and without nft.
func TestRule(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-rule")
	load(t, n, policies)
	for _, nft := range []string{"none", needs(t, "nft")} {
		h := newHost(t, nft)
		h.Watch(n.Inode)
		time.Sleep(2 * clockSlack)
		for comment, want := range map[string]string{
			"netpol-42": `ip saddr 10.244.0.11 udp dport 5353 counter drop comment "netpol-42"; reached by forward (policy accept) -> handle N jump deny; hook forward, priority 0`,
			"inner":     `ip saddr 5.6.7.8 drop comment "inner"; reached by forward (policy accept) -> handle N jump { }; hook forward, priority 0`,
			"web":       `tcp dport 80 ip saddr 1.2.3.4 drop comment "web"; reached by 2 paths`,
			"lonely":    `drop comment "lonely"`,
			"both":      `drop comment "both"; reached by 2 paths`,
		} {
			text, ok := h.Rule(n.Inode, keyOf(t, n, "netpol", comment))
			if got := withoutHandles(text.String()); !ok || got != want || !text.Certain || text.Partial || text.Comment != comment {
				t.Errorf("nft %q: %v, %+v\n got %s\nwant %s", nft, ok, text, got, want)
			}
		}
	}
}

// withoutHandles replaces numbers of handles.
func withoutHandles(text string) string {
	words := strings.Split(text, " ")
	for i := range words[:len(words)-1] {
		if words[i] == "handle" {
			words[i+1] = "N"
		}
	}
	return strings.Join(words, " ")
}

// TestRuleAtAHook checks that an answer has only paths from the hook of the drop.
func TestRuleAtAHook(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-hook")
	load(t, n, policies)
	h := newHost(t, "none")
	for hook, want := range map[string]string{
		"input":   "input (policy drop) -> handle N jump lonely2 -> handle N goto both; hook input, priority 5",
		"output":  "output (policy accept) -> handle N jump both; hook output, priority 0",
		"forward": "",
	} {
		key := keyOf(t, n, "netpol", "both")
		key.Hook = hook
		text, ok := h.Rule(n.Inode, key)
		if got := withoutHandles(text.route() + " "); !ok || strings.TrimSpace(got) != want {
			t.Errorf("hook %s: %v\n got %s\nwant %s", hook, ok, got, want)
		}
	}
	key := keyOf(t, n, "netpol", "web")
	key.Hook = "input"
	if text, _ := h.Rule(n.Inode, key); withoutHandles(text.route()) != "input (policy drop) -> handle N vmap goto web; hook input, priority 5" {
		t.Errorf("verdict map without a name: %s", text.route())
	}
	key.Hook = "forward"
	if text, _ := h.Rule(n.Inode, key); withoutHandles(text.route()) != "forward (policy accept) -> handle N vmap @ports jump web; hook forward, priority 0" {
		t.Errorf("verdict map: %s", text.route())
	}
}

// TestPolicy checks the answer about the policy of a base chain, which has no rule.
func TestPolicy(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-policy")
	load(t, n, policies)
	h := newHost(t, "none")
	text, ok := h.Rule(n.Inode, RuleKey{Family: "inet", Table: "netpol", Chain: "input", TableHandle: 0})
	if !ok || text.Text != "" || text.route() != "input (policy drop); hook input, priority 5" || text.Certain {
		t.Errorf("%v, %+v", ok, text)
	}
}

// TestChangedRuleset checks answers about rules of rulesets that changed after the drop.
func TestChangedRuleset(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-changed")
	load(t, n, policies)
	h := newHost(t, "none")
	h.Watch(n.Inode)
	time.Sleep(2 * clockSlack)
	key := keyOf(t, n, "netpol", "netpol-42")
	ask := func(want string, certain bool) {
		t.Helper()
		text, ok := h.Rule(n.Inode, key)
		for end := time.Now().Add(10 * time.Second); !ok && time.Now().Before(end); text, ok = h.Rule(n.Inode, key) {
			time.Sleep(readPause / 4) // the table was read too recently
		}
		if !ok || text.Certain != certain || !strings.HasPrefix(text.String(), want) {
			t.Errorf("%v, certain %v: %s", ok, text.Certain, text)
		}
	}
	ask("ip saddr 10.244.0.11", true)
	first := tableHandle(t, h, n)

	// Another rule of the table does not matter.
	time.Sleep(4 * clockSlack)
	load(t, n, "add rule inet netpol deny counter")
	key.At = time.Now().Add(-2 * clockSlack)
	ask("ip saddr 10.244.0.11", true)

	// The rule is deleted after the drop. Its text was read before; it may have been replaced before it was deleted.
	key.At = time.Now()
	load(t, n, "flush chain inet netpol deny")
	ask("ip saddr 10.244.0.11", false)

	// The table is replaced: the handle now belongs to another rule.
	key.At = time.Now()
	load(t, n, "delete table inet netpol\n"+strings.ReplaceAll(policies, "10.244.0.11", "10.9.9.9"))
	ask("ip saddr 10.9.9.9 udp dport 5353 counter drop comment \"netpol-42\"; reached by", false)
	if text, _ := h.Rule(n.Inode, key); !strings.HasSuffix(text.String(), "; if the table was not replaced since") {
		t.Errorf("no doubt in %s", text)
	}
	key.TableHandle = first
	ask("the table was replaced since", false)
	key.TableHandle = tableHandle(t, h, n)
	ask("ip saddr 10.9.9.9", false)
	if text, _ := h.Rule(n.Inode, key); !strings.HasSuffix(text.String(), "; if the rule was not replaced since") {
		t.Errorf("no doubt, or one about the table, in %s", text)
	}
	key.TableHandle = 0

	// The answer about a later drop is certain again.
	time.Sleep(2 * clockSlack)
	key.At = time.Now()
	ask("ip saddr 10.9.9.9", true)

	// Until the table is read again, there is no answer about rules that it did not have.
	load(t, n, "add rule inet netpol deny drop comment \"new\"")
	unread := keyOf(t, n, "netpol", "new")
	h.namespaces[n.Inode].rules.known[tableKey{unix.NFPROTO_INET, "netpol"}].pace.next = time.Now().Add(time.Hour)
	if text, ok := h.Rule(n.Inode, unread); ok {
		t.Errorf("answered at once: %+v", text)
	}

	load(t, n, "delete table inet netpol")
	key.At = time.Now()
	ask("the ruleset has changed since", false)
}

// tableHandle returns the handle of the table netpol that was read last.
func tableHandle(t *testing.T, h *Host, n *ktest.Netns) uint64 {
	t.Helper()
	known := h.namespaces[n.Inode].rules.known[tableKey{unix.NFPROTO_INET, "netpol"}]
	if known == nil || known.handle == 0 {
		t.Fatalf("no table netpol: %+v", known)
	}
	return known.handle
}

// TestReplacedRule checks answers about a rule that another one replaced in the same table. The kernel gives the other one
// the same handle.
func TestReplacedRule(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-replaced")
	load(t, n, policies)
	key := keyOf(t, n, "netpol", "netpol-42")
	replace := func(by string) {
		t.Helper()
		load(t, n, fmt.Sprintf("replace rule inet netpol deny handle %d %s drop comment \"netpol-42\"", key.Handle, by))
		if now := keyOf(t, n, "netpol", "netpol-42"); now.Handle != key.Handle {
			t.Fatalf("the new rule has the handle %d, the old one had %d", now.Handle, key.Handle)
		}
	}
	ask := func(h *Host, want string, certain bool) {
		t.Helper()
		text, ok := h.Rule(n.Inode, key)
		for end := time.Now().Add(10 * time.Second); !ok && time.Now().Before(end); text, ok = h.Rule(n.Inode, key) {
			time.Sleep(readPause / 4) // the table was read too recently
		}
		if !ok || text.Certain != certain || text.Gone == strings.HasPrefix(want, "ip") || !strings.HasPrefix(text.String(), want) {
			t.Errorf("%v, %+v: %s, want %s", ok, text, text, want)
		}
	}
	unread, read := newHost(t, "none"), newHost(t, "none")
	read.Watch(n.Inode)
	key.TableHandle = tableHandle(t, read, n)
	time.Sleep(2 * clockSlack)
	key.At = time.Now()
	ask(read, "ip saddr 10.244.0.11", true)

	// Replaced after the drop: whoever knows the old text has no answer, and others doubt the new one.
	time.Sleep(2 * clockSlack)
	key.At = time.Now()
	replace("ip saddr 10.9.9.9")
	ask(read, "the ruleset has changed since", false)
	ask(unread, "ip saddr 10.9.9.9", false)
	if text, _ := unread.Rule(n.Inode, key); !strings.HasSuffix(text.String(), "; if the rule was not replaced since") {
		t.Errorf("no doubt in %s", text)
	}

	// Replaced before the drop: certain if the generation of the ruleset has been the same since then.
	time.Sleep(2 * clockSlack)
	key.At = time.Now()
	ask(read, "ip saddr 10.9.9.9", true)
	time.Sleep(2 * clockSlack)
	replace("ip saddr 10.8.8.8")
	key.At = time.Now()
	ask(read, "the ruleset has changed since", false)
}

// TestAnonymousSetOfReplacedRule checks that a rule with an anonymous set is not taken for unchanged in a later generation: a
// rule that replaces it may have another set with the same name.
func TestAnonymousSetOfReplacedRule(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-replaced-set")
	load(t, n, policies)
	load(t, n, `add rule inet netpol deny ip saddr { 10.1.1.1, 10.1.1.2 } drop comment "set"`)
	h := newHost(t, "none")
	key := keyOf(t, n, "netpol", "set")
	key.At = time.Now()
	ask := func() (text RuleText) {
		t.Helper()
		ok := false
		for end := time.Now().Add(10 * time.Second); !ok && time.Now().Before(end); text, ok = h.Rule(n.Inode, key) {
			time.Sleep(readPause / 4) // the table was read too recently
		}
		if !strings.HasPrefix(text.Text, "ip saddr { 10.1.1.1, 10.1.1.2 }") {
			t.Errorf("%v, %+v", ok, text)
		}
		return text
	}
	ask()
	time.Sleep(2 * clockSlack)
	load(t, n, "add rule inet netpol deny counter")
	key.At = time.Now().Add(-clockSlack)
	if text := ask(); text.Certain {
		t.Errorf("no doubt in %s", text)
	}
}

// TestTableHandle checks that the handle of the table at the drop leaves no doubt about the table, although nothing was
// read before the drop.
func TestTableHandle(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-handle")
	load(t, n, policies)
	key := keyOf(t, n, "netpol", "netpol-42")
	key.At = time.Now()
	h := newHost(t, "none")
	if text, ok := h.Rule(n.Inode, key); !ok || text.SameTable || !strings.HasSuffix(text.String(), "; if the table was not replaced since") {
		t.Errorf("unknown table handle: %v, %s", ok, text)
	}
	key.TableHandle = tableHandle(t, h, n)
	if text, ok := h.Rule(n.Inode, key); !ok || !text.SameTable || !strings.HasSuffix(text.String(), "; if the rule was not replaced since") {
		t.Errorf("table handle %d: %v, %s", key.TableHandle, ok, text)
	}
}

// TestWatchAll checks that the tables of namespaces with a name are recorded.
func TestWatchAll(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-all")
	load(t, n, policies)
	h := newHost(t, "none")
	h.WatchAll()
	time.Sleep(2 * clockSlack)
	ns := h.namespaces[n.Inode]
	if ns == nil || ns.path != n.Path || ns.file != nil {
		t.Fatalf("%+v, want the path %s and no open file", ns, n.Path)
	}
	if text, ok := h.Rule(n.Inode, keyOf(t, n, "netpol", "web")); !ok || !text.Certain {
		t.Errorf("%v, %+v", ok, text)
	}
}

// TestSetAfterAChange checks that an anonymous set is printed after another part of the ruleset has changed, but not
// after its rule was deleted.
func TestSetAfterAChange(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-set")
	const rules = "add rule inet netpol lonely tcp dport { 1, 2 } drop comment \"first\"\nadd rule inet netpol lonely tcp dport { 3, 4 } drop comment \"second\"\n"
	load(t, n, policies+rules)
	first, second := keyOf(t, n, "netpol", "first"), keyOf(t, n, "netpol", "second")
	h := newHost(t, "none")
	if _, ok := h.Rule(n.Inode, keyOf(t, n, "netpol", "web")); !ok {
		t.Fatal("no answer")
	}
	load(t, n, fmt.Sprintf("delete rule inet netpol lonely handle %d\nadd rule inet netpol lonely tcp dport { 5, 6 } drop", first.Handle))
	text, ok := h.Rule(n.Inode, second)
	if want := `tcp dport { 3, 4 } drop comment "second"`; !ok || text.Partial || text.Text != want {
		t.Errorf("%v, %+v, want %s", ok, text, want)
	}
	text, ok = h.Rule(n.Inode, first)
	if !ok || !text.Partial || !strings.HasPrefix(text.Text, "meta l4proto tcp [lookup __set") {
		t.Errorf("%v, %+v, want the set unknown", ok, text)
	}
}

// TestGeneration checks that the generation at the drop makes an answer certain, although the table was not read before.
func TestGeneration(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-generation")
	load(t, n, policies)
	h := newHost(t, "none")
	key := keyOf(t, n, "netpol", "web")
	if text, ok := h.Rule(n.Inode, key); !ok || text.Certain {
		t.Errorf("without a generation: %v, %+v", ok, text)
	}
	key.Generation = h.namespaces[n.Inode].rules.generation
	if text, ok := h.Rule(n.Inode, key); !ok || !text.Certain {
		t.Errorf("with the generation: %v, %+v", ok, text)
	}
	key.Generation--
	if text, ok := h.Rule(n.Inode, key); !ok || text.Certain {
		t.Errorf("with an earlier generation: %v, %+v", ok, text)
	}
}

// TestNoAnswer checks questions without an answer.
func TestNoAnswer(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-none")
	load(t, n, policies)
	h := newHost(t, "none")
	key := keyOf(t, n, "netpol", "web")
	for what, test := range map[string]struct {
		netns  uint32
		change func(*RuleKey)
		gone   bool
	}{
		"no namespace":   {1, func(*RuleKey) {}, false},
		"no family":      {n.Inode, func(k *RuleKey) { k.Family = "inet6" }, false},
		"another family": {n.Inode, func(k *RuleKey) { k.Family = "ip" }, true},
		"another table":  {n.Inode, func(k *RuleKey) { k.Table = "mine" }, true},
		"another chain":  {n.Inode, func(k *RuleKey) { k.Chain = "deny" }, true},
		"no such rule":   {n.Inode, func(k *RuleKey) { k.Handle = 99999 }, true},
	} {
		changed := key
		test.change(&changed)
		if text, ok := h.Rule(test.netns, changed); ok != test.gone || text.Gone != test.gone || text.Text != "" {
			t.Errorf("%s: %v, %+v", what, ok, text)
		}
	}
	h.Close()
	if _, ok := h.Rule(n.Inode, key); ok {
		t.Error("an answer after Close")
	}
}

// TestIptables checks rules of iptables-nft, whose comments nft does not print.
func TestIptables(t *testing.T) {
	n := ktest.NewNetns(t, "resolve-iptables")
	command(t, n, "*filter\n:INPUT ACCEPT [0:0]\n:KUBE-SERVICES - [0:0]\n-A INPUT -m conntrack --ctstate NEW -j KUBE-SERVICES\n"+
		"-A KUBE-SERVICES -d 172.30.0.46/32 -p tcp -m comment --comment \"shop/web:http has no endpoints\" -m tcp --dport 80 -j REJECT\n"+
		"-A KUBE-SERVICES -s 10.0.0.0/8 -i eth0 -p udp -m udp --sport 1:9 -j DROP\nCOMMIT\n", needs(t, "iptables-nft-restore"))
	const suffix = "; reached by INPUT (policy accept) -> handle N jump KUBE-SERVICES; hook input, priority 0; set by kube-proxy"
	for _, nft := range []string{"none", needs(t, "nft")} {
		h := newHost(t, nft)
		h.Watch(n.Inode)
		time.Sleep(2 * clockSlack)
		_, content := tableOf(t, h, n, tableKey{unix.NFPROTO_IPV4, "filter"})
		var got []string
		for _, r := range content.chains["KUBE-SERVICES"].rules {
			text, ok := h.Rule(n.Inode, RuleKey{Family: "ip", Table: "filter", Chain: r.chain, Handle: r.handle, At: time.Now()})
			if !ok {
				t.Fatal("no answer")
			}
			got = append(got, withoutHandles(text.String()))
		}
		want := []string{
			`meta l4proto tcp ip daddr 172.30.0.46 tcp dport 80 counter [target REJECT] comment "shop/web:http has no endpoints"` + suffix + " (service shop/web:http)",
			`iifname "eth0" ip saddr 10.0.0.0/8 udp sport 1-9 counter drop` + suffix,
		}
		if nft != "none" {
			want[0] = strings.Replace(want[0], "[target REJECT]", "reject", 1)
		}
		for i := range want {
			if i >= len(got) || got[i] != want[i] {
				t.Errorf("nft %q:\n got %s\nwant %s", nft, got, want[i])
			}
		}
	}
}
