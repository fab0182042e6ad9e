// SPDX-License-Identifier: Apache-2.0

package bpf

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestCheapFiltersComeFirst checks the order of the filters in the source of the function that evaluates all of
// them. The order has no visible effect, except on the cost.
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
	var order []string
	for _, call := range regexp.MustCompile(`\b(filter_\w+)\(`).FindAllStringSubmatch(body, -1) {
		order = append(order, call[1])
	}
	want := []string{"filter_netdev", "filter_span", "filter_task", "filter_expression", "filter_tunnel"}
	if !slices.Equal(order, want) {
		t.Errorf("evaluated in the order %q, want %q", order, want)
	}
}
