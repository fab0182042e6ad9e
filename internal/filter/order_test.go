// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"errors"
	"os"
	"strings"
	"testing"

	"tracer/libpcap"
)

func TestHeadersComeFirst(t *testing.T) {
	for expr, want := range map[string]string{
		"icmp and vlan":                 "type 'vlan and icmp': what precedes vlan is a test of frames without that header\n  icmp and vlan\n           ^",
		"tcp port 80 && vlan 5":         "type 'vlan 5 and tcp port 80'",
		"host 1.2.3.4 and vlan and tcp": "type 'vlan and host 1.2.3.4 and tcp'",
		"icmp and vlan 5 and vlan 6":    "type 'vlan 5 and vlan 6 and icmp'",
		"ip and mpls 16":                "type 'mpls 16 and ip'",
		"ip and pppoes":                 "type 'pppoes and ip'",
		"(icmp or tcp) and vlan":        "vlan has to come first",
		"ip and arp":                    "the error is here:",
		"vlan and ip and arp":           "the error is here:",
	} {
		_, err := Compile(expr)
		var syntax *libpcap.SyntaxError
		hint, ok := err.(interface{ Hint() string })
		if !errors.As(err, &syntax) || !ok {
			t.Errorf("%q: %v", expr, err)
		} else if got := hint.Hint(); !strings.HasPrefix(got, want) {
			t.Errorf("%q: hint %q, want %q", expr, got, want)
		}
	}
}

func TestHeaderBeforeOrHasANote(t *testing.T) {
	for expr, want := range map[string]string{
		"vlan 5 or vlan 6":                      "primitives after vlan, also those after or, test what follows that header; for one of several tags write",
		"vlan and tcp or udp":                   "primitives after vlan",
		"(vlan 5 and icmp) or (vlan 6 and tcp)": "primitives after vlan",
		"mpls or ip":                            "primitives after mpls, also those after or, test what follows that header",
		"vlan 5 and (tcp or udp)":               "",
		"icmp or arp or vlan 5":                 "",
		"icmp or (vlan and icmp)":               "",
		"vlan and (ether[14:2] & 0xfff = 5 or ether[14:2] & 0xfff = 6)": "",
	} {
		p, err := Compile(expr)
		if err != nil {
			t.Errorf("%v", err)
		} else if got := strings.Join(p.Notes, "; "); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%q: %q, want %q", expr, got, want)
		}
	}
}

func TestIndexBeyondEveryPacketIsRejected(t *testing.T) {
	for expr, place := range map[string]int{
		"ether[262144] = 1": 5, "ip and tcp[300000:2] = 1": 10, "ip[2:2] > 1 and ip[262140] = 1": 18,
	} {
		_, err := Compile(expr)
		var syntax *libpcap.SyntaxError
		if !errors.As(err, &syntax) || syntax.Offset != place || !strings.HasPrefix(syntax.Msg, "the index is too large") {
			t.Errorf("%q: %v", expr, err)
		}
	}
	if _, err := Compile("ether[262143] = 1"); err != nil {
		t.Error(err)
	}
}

// TestErrorOfTheDocs checks that the error in docs/filtering.md is the real one.
func TestErrorOfTheDocs(t *testing.T) {
	_, err := Compile("icmp and vlan")
	page, readErr := os.ReadFile("../../docs/filtering.md")
	if err == nil || readErr != nil {
		t.Fatal(err, readErr)
	}
	shown := "$ tracer icmp and vlan\ntracer: " + err.Error() + "\nhint: " + err.(interface{ Hint() string }).Hint() + "\n"
	if !strings.Contains(string(page), shown) {
		t.Errorf("the docs do not show\n%s", shown)
	}
}
