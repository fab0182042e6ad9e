// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// traceable returns what can be traced on each kernel of testdata/traceable, which testdata/gen
// generates: functions, and tracepoints with their prefix.
func traceable(t *testing.T) map[string][]string {
	t.Helper()
	b, err := os.ReadFile("testdata/traceable")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	kernels := strings.Fields(lines[0])
	names := map[string][]string{}
	for _, line := range lines[1:] {
		where, name, _ := strings.Cut(line, " ")
		for i, kernel := range kernels {
			if where[i] == 'x' {
				names[kernel] = append(names[kernel], name)
			}
		}
	}
	return names
}

// matched returns the names that an expression matches.
func matched(t *testing.T, expr string, names []string) []string {
	t.Helper()
	re, err := compileFunc("function filter", expr)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, name := range names {
		if re.MatchString(strings.TrimPrefix(name, "tp:")) {
			out = append(out, name)
		}
	}
	return out
}

// keys are functions and tracepoints that a preset must have. If a word has several names, separated by
// |, one is enough. The BTF of 5.10 has no functions of modules, and on arm64 no static functions.
var keys = map[string]struct{ global, static, module string }{
	"@rx": {
		global: "netif_receive_skb ip_rcv ip_local_deliver ipv6_rcv tp:netif_receive_skb tp:netif_rx tp:napi_gro_receive_entry",
		static: "__netif_receive_skb|__netif_receive_skb_one_core ip_rcv_core|ip_rcv_finish arp_rcv enqueue_to_backlog|netif_rx_internal",
	},
	"@tx": {
		global: `__dev_queue_xmit|dev_queue_xmit dev_hard_start_xmit sch_direct_xmit ip_output ip6_output neigh_resolve_output
			tp:net_dev_queue tp:net_dev_start_xmit tp:net_dev_xmit`,
		static: "loopback_xmit ip_finish_output2|ip_finish_output",
	},
	"@drop":   {global: "kfree_skb|kfree_skb_reason|sk_skb_reason_drop tp:kfree_skb"},
	"@nf":     {global: "nf_hook_slow", module: "nft_do_chain_ipv4 nf_conntrack_in nf_confirm|ipv4_confirm"},
	"@nat":    {module: "nf_nat_inet_fn nf_nat_packet nf_nat_ipv4_pre_routing nf_nat_manip_pkt|nf_nat_ipv4_manip_pkt"},
	"@bridge": {module: "br_handle_frame_finish br_dev_xmit br_forward|__br_forward br_pass_frame_up br_dev_queue_push_xmit br_flood"},
	"@route": {
		global: "ip_route_input_noref ip_forward ip6_forward fib_validate_source|__fib_validate_source ip6_route_input",
		static: "ip_route_input_slow",
	},
	"@tcp": {
		global: "tcp_v4_rcv tcp_v4_do_rcv tcp_rcv_established tp:tcp_probe tp:tcp_send_reset",
		static: "tcp_v6_rcv __tcp_transmit_skb tcp_data_queue tcp_ack",
	},
	"@udp": {
		global: "udp_rcv __udp4_lib_rcv|udp_unicast_rcv_skb",
		static: "udp_queue_rcv_skb|udp_queue_rcv_one_skb udpv6_rcv udp_send_skb",
	},
}

func TestPresetsHaveTheKeyFunctionsOnEveryKernel(t *testing.T) {
	for kernel, names := range traceable(t) {
		for preset, key := range keys {
			want := key.global
			if !strings.HasPrefix(kernel, "5.10") {
				want += " " + key.module
			}
			if !strings.HasPrefix(kernel, "5.10") || !strings.HasSuffix(kernel, "arm64") {
				want += " " + key.static
			}
			checkKeys(t, kernel, preset, strings.Fields(want), matched(t, preset, names))
		}
	}
}

func checkKeys(t *testing.T, kernel, preset string, want, got []string) {
	t.Helper()
	for _, word := range want {
		if !slices.ContainsFunc(strings.Split(word, "|"), func(name string) bool { return slices.Contains(got, name) }) {
			t.Errorf("%s: %s has no %s", kernel, preset, word)
		}
	}
}

func TestEveryPresetIsTested(t *testing.T) {
	if got := slices.Sorted(maps.Keys(keys)); !slices.Equal(got, slices.Sorted(slices.Values(PresetNames()))) {
		t.Errorf("there are tests for %v, and presets %v", got, PresetNames())
	}
}

// foreign has, for each preset, an expression for names that must not be in it: functions for netlink
// and for files of /proc, and functions that belong to another preset.
var foreign = map[string]string{
	"@rx":     `.*(dump|fill|netlink|genl|rtm).*|tcp_.*|udp_.*|nf_.*|br_.*|.*xmit.*|consume_skb|kfree_skb.*`,
	"@tx":     `.*(dump|fill|netlink|genl|rtm).*|__?tcp_.*|udp_.*|nf_.*|br_.*|.*_rcv|netif_.*|consume_skb|kfree_skb.*`,
	"@drop":   `kfree_skbmem|kfree_skb_(list|partial).*|__kfree_skb|consume_skb|tcp_.*|ip_.*|skb_.*`,
	"@nf":     `nf_tables_.*|nfnetlink.*|nft_.*_dump|.*nat.*|tcp_.*|ip_rcv.*|ip_output|br_.*|audit_.*`,
	"@nat":    `nf_conntrack_.*|nft_.*_dump|nf_tables_.*|nf_hook_.*|tcp_.*|ip_.*`,
	"@bridge": `.*(dump|fill|netlink|rtm|fdb|mdb).*|br_getlink|nf_.*|ip_.*|netif_.*`,
	"@route":  `.*(dump|fill|rtm|netlink|_nl_).*|ip_rcv.*|ip_output|ip_local_.*|tcp_.*|nf_.*|dev_.*`,
	"@tcp":    `tcp_metrics_.*|tcp_.*_nlattr|tcp_(new|options)|tcphdr_ok|udp_.*|ip_.*|mptcp_.*|nf_.*`,
	"@udp":    `.*nlattr|udphdr_ok|udp_tunnel_nic_.*|__udp_tunnel_nic_.*|tcp_.*|ip_.*|nf_.*`,
}

func TestPresetsHaveNothingForeign(t *testing.T) {
	for kernel, names := range traceable(t) {
		owner := map[string]string{}
		for preset, expr := range foreign {
			alien := regexp.MustCompile("^(?:" + expr + ")$")
			for _, name := range matched(t, preset, names) {
				if alien.MatchString(name) {
					t.Errorf("%s: %s has %s", kernel, preset, name)
				}
				if other := owner[name]; other != "" {
					t.Errorf("%s: %s is in %s and %s", kernel, name, other, preset)
				}
				owner[name] = preset
			}
		}
	}
}

func TestPresetsInsideExpressions(t *testing.T) {
	names := []string{"ip_rcv", "udp_rcv", "nf_hook_slow", "my_func", "ip_output", "tp:netif_rx"}
	for expr, want := range map[string]string{
		"@rx|@nf|my_.*": "ip_rcv nf_hook_slow my_func tp:netif_rx",
		"(@udp|@tx)":    "udp_rcv ip_output",
		"ip_rcv|@udp":   "ip_rcv udp_rcv",
		"@rx_more|@rx?": "",
	} {
		re, err := compileFunc("function filter", expr)
		if want == "" {
			if err == nil {
				t.Errorf("%s becomes %v, want an error", expr, re)
			}
			continue
		}
		if got := strings.Join(matched(t, expr, names), " "); got != want {
			t.Errorf("%s matches %s, want %s", expr, got, want)
		}
	}
}

func TestUnknownPresetIsNamed(t *testing.T) {
	const want = `function filter "ip_rcv|@foo": preset "@foo": unknown, the presets are @rx, @tx, @drop, @nf, @nat, @bridge, @route, @tcp, @udp`
	_, err := newFuncFilter("ip_rcv|@foo", "")
	checkUsage(t, err, want)
	_, err = newFuncFilter("", "@")
	checkUsage(t, err, `function exclusion "@": preset "@": unknown, the presets are @rx, @tx, @drop, @nf, @nat, @bridge, @route, @tcp, @udp`)
}

func checkUsage(t *testing.T, err error, want string) {
	t.Helper()
	usage, ok := err.(interface{ Usage() bool })
	if !ok || !usage.Usage() || err.Error() != want {
		t.Errorf("error %v, want the usage error %s", err, want)
	}
}

func TestDocsDescribeEveryPreset(t *testing.T) {
	docs, err := os.ReadFile("../../docs/filtering.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range PresetNames() {
		if !strings.Contains(string(docs), "| `"+name+"` |") {
			t.Errorf("docs/filtering.md has no row for %s", name)
		}
	}
}
