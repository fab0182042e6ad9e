// SPDX-License-Identifier: Apache-2.0

package live

import (
	"slices"
	"strings"
	"testing"

	"tracer/internal/explain"
)

// TestKeysOfAnswers checks that the table of causes has the values that answers looks up by their keys.
func TestKeysOfAnswers(t *testing.T) {
	table, err := explain.Load()
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{}
	for _, s := range table.Sites {
		for _, r := range s.Reads {
			has[s.Name+"/"+r.Key] = true
		}
	}
	for _, d := range table.Decisions {
		for _, r := range d.Reads {
			has[d.Name+"."+r.Key] = true
		}
	}
	for _, key := range []string{
		"no_tcp_socket/dport", "no_tcp_socket/sport", "no_tcp_socket/dst4", "no_tcp_socket/dst6", "no_tcp_socket/src4", "no_tcp_socket/src6", "no_tcp_socket/iif",
		"no_udp_socket/dport", "no_udp_socket/sport", "no_udp_socket/dst4", "no_udp_socket/dst6", "no_udp_socket/src4", "no_udp_socket/src6", "no_udp_socket/iif",
		"queue.number",
		"nft_rule.family", "nft_rule.table", "nft_rule.chain", "nft_rule.handle", "nft_rule.hook", "nft_rule.priority", "nft_rule.table_handle",
	} {
		if !has[key] {
			t.Errorf("no site or decision reads %s", key)
		}
	}
}

// TestOwnersHaveSockets checks that each cause with {owner} in its text uses a decision, or has a site, that reads the
// socket's inode.
func TestOwnersHaveSockets(t *testing.T) {
	table, err := explain.Load()
	if err != nil {
		t.Fatal(err)
	}
	hasInode := func(reads []explain.Read) bool {
		return slices.ContainsFunc(reads, func(r explain.Read) bool { return r.Key == "inode" })
	}
	for _, c := range table.Causes() {
		if !strings.Contains(c.Text, "{owner}") {
			continue
		}
		uses := func(d *explain.Decision) bool {
			return strings.Contains(c.Text+c.When, d.Name+".") && hasInode(d.Reads)
		}
		isSite := func(s *explain.Site) bool { return s.Name == c.Site && hasInode(s.Reads) }
		if !slices.ContainsFunc(table.Decisions, uses) && !slices.ContainsFunc(table.Sites, isSite) {
			t.Errorf("%s: neither its site nor a decision that it uses reads inode", c.ID)
		}
	}
}
