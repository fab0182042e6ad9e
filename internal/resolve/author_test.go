// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tracer/internal/ktest"
)

// TestAuthorOfRealRulesets checks the author of every rule in rulesets that the programs wrote, and that the rules can be
// printed. The head of each file has the program and its version.
func TestAuthorOfRealRulesets(t *testing.T) {
	for file, test := range map[string]struct {
		main    string            // the author of rules that are not in the map
		authors map[string]string // by chain
	}{
		"firewalld.nft": {"firewalld", map[string]string{
			"filter_IN_public": "firewalld (zone public)", "filter_IN_public_deny": "firewalld (zone public)", "filter_IN_public_allow": "firewalld (zone public)",
			"filter_FWD_public": "firewalld (zone public)", "filter_FWD_public_allow": "firewalld (zone public)",
			"filter_IN_internal": "firewalld (zone internal)", "filter_IN_internal_allow": "firewalld (zone internal)",
			"filter_FWD_internal": "firewalld (zone internal)", "filter_FWD_internal_allow": "firewalld (zone internal)",
			"filter_IN_drop": "firewalld (zone drop)", "filter_FWD_drop": "firewalld (zone drop)", "filter_FWD_drop_allow": "firewalld (zone drop)",
			"filter_IN_policy_allow-host-ipv6": "firewalld (policy allow-host-ipv6)", "filter_IN_policy_allow-host-ipv6_allow": "firewalld (policy allow-host-ipv6)",
		}},
		"kube-proxy.nft":    {"kube-proxy", map[string]string{"firewall-ULMVA6XW-shop/web/tcp/http": "kube-proxy (service shop/web:http)"}},
		"ufw.iptables":      {"ufw", map[string]string{"INPUT": "", "FORWARD": "", "OUTPUT": ""}},
		"docker.iptables":   {"Docker", map[string]string{"FORWARD": "", "DOCKER-USER": "", "PREROUTING": "", "OUTPUT": "", "POSTROUTING": ""}},
		"netavark.iptables": {"Podman (netavark)", map[string]string{"FORWARD": "", "PREROUTING": "", "OUTPUT": "", "POSTROUTING": ""}},
	} {
		t.Run(file, func(t *testing.T) {
			n := ktest.NewNetns(t, "resolve-author")
			loadFile(t, n, filepath.Join("testdata/author", file))
			checked := 0
			for key, text := range allRules(t, n) {
				if strings.HasSuffix(file, ".nft") && text.Partial && !strings.Contains(text.Text, "[objref helper-") {
					t.Errorf("%s handle %d: %s", key.Chain, key.Handle, text.Text)
				}
				want, special := test.authors[key.Chain]
				if !special {
					want = test.main
				}
				if text.Author != want {
					t.Errorf("%s handle %d (%s): author %q, want %q", key.Chain, key.Handle, text.Text, text.Author, want)
				}
				checked++
			}
			if checked < 8 {
				t.Errorf("only %d rules", checked)
			}
		})
	}
}

// loadFile loads a ruleset of nft or iptables.
func loadFile(t *testing.T, n *ktest.Netns, file string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(file, ".nft") {
		load(t, n, string(content))
		return
	}
	command(t, n, string(content), needs(t, "iptables-nft-restore"))
}

// allRules returns the answers about all rules in a namespace.
func allRules(t *testing.T, n *ktest.Netns) map[RuleKey]RuleText {
	t.Helper()
	h := newHost(t, "none")
	h.Watch(n.Inode)
	all := map[RuleKey]RuleText{}
	for table := range h.namespaces[n.Inode].rules.known {
		ns, content := tableOf(t, h, n, table)
		_ = ns
		for handle, r := range content.rules {
			key := RuleKey{Family: FamilyName(table.family), Table: table.name, Chain: r.chain, Handle: handle}
			text, ok := h.Rule(n.Inode, key)
			if !ok {
				t.Fatalf("%+v: no answer", key)
			}
			all[key] = text
		}
	}
	return all
}

// TestAuthor checks chains, comments and tables as in the documentation of the programs, with invented names of services,
// networks and jails.
func TestAuthor(t *testing.T) {
	for _, test := range []struct {
		facts RuleFacts
		want  string
	}{
		// kube-proxy 1.31, iptables and nftables
		{RuleFacts{Family: "ip", Table: "filter", Chain: "KUBE-SERVICES", Comments: []string{"shop/web:http has no endpoints"}}, "kube-proxy (service shop/web:http)"},
		{RuleFacts{Family: "ip6", Table: "filter", Chain: "KUBE-EXTERNAL-SERVICES", Comments: []string{"shop/web has no local endpoints"}}, "kube-proxy (service shop/web)"},
		{RuleFacts{Family: "ip", Table: "nat", Chain: "KUBE-SEP-AAAAAAAAAAAAAAAA", Comments: []string{"shop/web:http"}}, "kube-proxy (service shop/web:http)"},
		{RuleFacts{Family: "ip", Table: "nat", Chain: "KUBE-EXT-AAAAAAAAAAAAAAAA", Comments: []string{"masquerade traffic for shop/web:http external destinations"}}, "kube-proxy (service shop/web:http)"},
		{RuleFacts{Family: "ip", Table: "filter", Chain: "KUBE-FORWARD", Comments: []string{"kubernetes forwarding conntrack rule"}}, "kube-proxy"},
		{RuleFacts{Family: "ip", Table: "filter", Chain: "KUBE-PROXY-FIREWALL", Comments: []string{"shop/web:http traffic not accepted by KUBE-FW-AAAAAAAAAAAAAAAA"}}, "kube-proxy (service shop/web:http)"},
		{RuleFacts{Family: "ip", Table: "filter", Chain: "KUBE-FIREWALL", Comments: []string{"block incoming localnet connections"}}, "Kubernetes (kubelet or kube-proxy)"},
		{RuleFacts{Family: "ip", Table: "filter", Chain: "KUBE-OTHER"}, ""},
		{RuleFacts{Family: "ip", Table: "mine", Chain: "KUBE-SERVICES"}, ""},
		{RuleFacts{Family: "ip", Table: "kube-proxy", Chain: "firewall-ULMVA6XW-shop/web/tcp/http"}, "kube-proxy (service shop/web:http)"},
		{RuleFacts{Family: "ip6", Table: "kube-proxy", Chain: "endpoint-5OJB2KTY-shop/web/tcp/http__fd00::1/80"}, "kube-proxy (service shop/web:http)"},
		{RuleFacts{Family: "ip", Table: "kube-proxy", Chain: "service-ULMVA6XW-shop/web/tcp/"}, "kube-proxy (service shop/web)"},
		{RuleFacts{Family: "ip", Table: "kube-proxy", Chain: "cluster-ips-check"}, "kube-proxy"},
		{RuleFacts{Family: "inet", Table: "kube-proxy", Chain: "x"}, ""},
		// kube-router 2
		{RuleFacts{Family: "ip", Table: "filter", Chain: "KUBE-POD-FW-AAAAAAAAAAAAAAAA", Comments: []string{`rule to REJECT traffic destined for POD name:web-0 namespace: shop`}}, "kube-router (pod shop/web-0)"},
		{RuleFacts{Family: "ip", Table: "filter", Chain: "KUBE-ROUTER-INPUT"}, "kube-router"},
		// Calico 3.29, iptables and nftables
		{RuleFacts{Family: "ip", Table: "filter", Chain: "cali-tw-cali1234567890a", Comments: []string{"cali:abcdefghijklmnop"}}, "Calico"},
		{RuleFacts{Family: "ip", Table: "calico", Chain: "filter-cali-FORWARD"}, "Calico"},
		{RuleFacts{Family: "ip", Table: "filter", Chain: "FORWARD", Comments: []string{"cali:abcdefghijklmnop"}}, ""},
		// Cilium 1.16, flannel 0.26
		{RuleFacts{Family: "ip", Table: "filter", Chain: "CILIUM_FORWARD", Comments: []string{"cilium: any->cluster on cilium_host forward accept"}}, "Cilium"},
		{RuleFacts{Family: "ip", Table: "filter", Chain: "FLANNEL-FWD", Comments: []string{"flanneld forward"}}, "flannel"},
		{RuleFacts{Family: "ip6", Table: "flannel-ipv6", Chain: "postrtg"}, "flannel"},
		{RuleFacts{Family: "ip6", Table: "flannel-ipv4", Chain: "postrtg"}, ""},
		// Docker 28, netavark 1.13, CNI plugins 1.6
		{RuleFacts{Family: "ip", Table: "docker-bridges", Chain: "filter-FORWARD"}, "Docker"},
		{RuleFacts{Family: "ip", Table: "filter", Chain: "DOCKER-USER"}, ""},
		{RuleFacts{Family: "ip", Table: "filter", Chain: "DOCKER-MINE"}, ""},
		{RuleFacts{Family: "inet", Table: "netavark", Chain: "FORWARD"}, "Podman (netavark)"},
		{RuleFacts{Family: "ip", Table: "nat", Chain: "CNI-0123456789abcdef01234567", Comments: []string{`name: "podman" id: "1f9f5a3ac6b5"`}}, "Podman (CNI)"},
		{RuleFacts{Family: "ip", Table: "nat", Chain: "CNI-0123456789abcdef01234567", Comments: []string{`name: "cbr0" id: "1f9f5a3ac6b5"`}}, "CNI plugins (network cbr0)"},
		{RuleFacts{Family: "ip", Table: "filter", Chain: "CNI-ADMIN"}, ""},
		// firewalld with iptables; names of zones may have underscores
		{RuleFacts{Family: "ip", Table: "filter", Chain: "IN_public_deny", Chains: []string{"INPUT", "INPUT_ZONES", "IN_public"}}, "firewalld (zone public)"},
		{RuleFacts{Family: "ip", Table: "filter", Chain: "IN_public_deny", Chains: []string{"INPUT", "MINE"}}, ""},
		{RuleFacts{Family: "inet", Table: "firewalld", Chain: "filter_IN_my_zone", Chains: []string{"filter_INPUT", "filter_INPUT_ZONES"}}, "firewalld (zone my_zone)"},
		{RuleFacts{Family: "inet", Table: "firewalld", Chain: "filter_IN_my_zone_deny", Chains: []string{"filter_INPUT_ZONES", "filter_IN_my_zone"}}, "firewalld (zone my_zone)"},
		// systemd 257, libvirt 10
		{RuleFacts{Family: "ip", Table: "io.systemd.nat", Chain: "postrouting", Sets: []string{"masq_saddr"}}, "systemd (networkd or nspawn)"},
		{RuleFacts{Family: "ip", Table: "libvirt_network", Chain: "guest_input"}, "libvirt"},
		{RuleFacts{Family: "ip", Table: "filter", Chain: "LIBVIRT_FWI"}, "libvirt"},
		{RuleFacts{Family: "ip", Table: "filter", Chain: "FI-vnet0", Chains: []string{"FORWARD", "libvirt-in"}}, "libvirt"},
		{RuleFacts{Family: "ip", Table: "filter", Chain: "FI-vnet0", Chains: []string{"FORWARD"}}, ""},
		// fail2ban 1.1, Tailscale, Istio, wg-quick, LXD, Incus
		{RuleFacts{Family: "inet", Table: "f2b-table", Chain: "f2b-chain", Sets: []string{"addr-set-sshd"}}, "fail2ban (jail sshd)"},
		{RuleFacts{Family: "ip", Table: "filter", Chain: "f2b-sshd"}, "fail2ban (jail sshd)"},
		{RuleFacts{Family: "ip", Table: "filter", Chain: "ts-input"}, "Tailscale"},
		{RuleFacts{Family: "ip", Table: "nat", Chain: "ISTIO_OUTPUT"}, "Istio"},
		{RuleFacts{Family: "ip", Table: "wg-quick-wg0", Chain: "preraw"}, "wg-quick (interface wg0)"},
		{RuleFacts{Family: "inet", Table: "lxd", Chain: "fwd.lxdbr0"}, "LXD"},
		{RuleFacts{Family: "inet", Table: "incus", Chain: "fwd.incusbr0"}, "Incus"},
		{RuleFacts{Family: "inet", Table: "f2b-table", Chain: "f2b-chain", Sets: []string{"addr6-set-sshd"}}, "fail2ban (jail sshd)"},
		{RuleFacts{Family: "ip", Table: "filter", Chain: "ufw-user-input"}, "ufw"},
		{RuleFacts{Family: "ip", Table: "raw", Chain: "PREROUTING", Comments: []string{"wg-quick(8) rule for wg0"}}, "wg-quick (interface wg0)"},
		{RuleFacts{Family: "inet", Table: "mine", Chain: "x", Comments: []string{"wg-quick(8) rule for wg0"}}, ""},
		{RuleFacts{Family: "ip", Table: "flannel-ipv4", Chain: "postrtg"}, "flannel"},
		{RuleFacts{Family: "ip6", Table: "firewalld", Chain: "filter_IN_public"}, "firewalld (zone public)"},
		{RuleFacts{Family: "ip", Table: "nat", Chain: "FLANNEL-POSTRTG", Comments: []string{"flanneld masq"}}, "flannel"},
		// nobody's
		{RuleFacts{Family: "inet", Table: "filter", Chain: "ufw-user-input"}, ""},
		{RuleFacts{Family: "inet", Table: "filter", Chain: "input", Comments: []string{"shop/web:http"}}, ""},
	} {
		for _, facts := range withIPv6(test.facts) {
			if got := Author(facts); got != test.want {
				t.Errorf("%+v: author %q, want %q", facts, got, test.want)
			}
		}
	}
}

// withIPv6 returns the facts, and for a table of IPv4 also those of the table that the same program makes for IPv6.
func withIPv6(f RuleFacts) []RuleFacts {
	if f.Family != "ip" {
		return []RuleFacts{f}
	}
	six := f
	six.Family, six.Table = "ip6", strings.Replace(f.Table, "ipv4", "ipv6", 1)
	six.Chain = strings.Replace(f.Chain, "ufw-", "ufw6-", 1)
	return []RuleFacts{f, six}
}

// TestAuthorOfSharedChain checks that the comment of a jump names the service only if it is the only way to the rule.
func TestAuthorOfSharedChain(t *testing.T) {
	const shared, own = "KUBE-SEP-AAAAAAAAAAAAAAAA", "KUBE-SEP-BBBBBBBBBBBBBBBB"
	n := ktest.NewNetns(t, "resolve-shared")
	load(t, n, `table ip filter {
	chain `+shared+` { drop; }
	chain `+own+` { drop; }
	chain KUBE-SERVICES {
		tcp dport 80 jump `+shared+` comment "shop/web:http"
		tcp dport 81 jump `+shared+` comment "shop/db:sql"
		tcp dport 82 jump `+own+` comment "shop/own:http"
	}
	chain FORWARD {
		type filter hook forward priority 0; policy accept;
		jump KUBE-SERVICES
	}
}
`)
	authors := map[string]string{}
	for key, text := range allRules(t, n) {
		authors[key.Chain] = text.Author
	}
	if authors[shared] != "kube-proxy" || authors[own] != "kube-proxy (service shop/own:http)" {
		t.Errorf("authors %q", authors)
	}
}
