// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestCheapFiltersComeFirst reads the one function that asks all questions. What it does
// can't be seen from outside, only what it costs.
func TestCheapFiltersComeFirst(t *testing.T) {
	source, err := os.ReadFile("../../bpf/match/match.h")
	if err != nil {
		t.Fatal(err)
	}
	_, body, found := strings.Cut(string(source), "bool filter_skb(")
	body, _, ends := strings.Cut(body, "\n}\n")
	if !found || !ends {
		t.Fatal("no function filter_skb in bpf/match/match.h")
	}
	var asked []string
	for _, call := range regexp.MustCompile(`\b(filter_\w+)\(`).FindAllStringSubmatch(body, -1) {
		asked = append(asked, call[1])
	}
	want := []string{"filter_netdev", "filter_span", "filter_task", "filter_expression", "filter_tunnel"}
	if !slices.Equal(asked, want) {
		t.Errorf("asked in the order %q, want %q", asked, want)
	}
}
