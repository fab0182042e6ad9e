// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"maps"
	"testing"
)

func TestParseNft(t *testing.T) {
	got := parseNft([]byte(`# Warning: table ip filter is managed by iptables-nft, do not touch!
table inet t { # handle 2
	comment "a { b"
	set s4 { # handle 3
		type ipv4_addr
		elements = { 1.2.3.4 comment "x # handle 9" }
	}

	chain input { # handle 2
		comment "type filter hook"
		type filter hook input priority filter; policy accept;
		tcp dport 25 drop # handle 6
		log prefix "a  # handle 7" drop # handle 8
		meta l4proto tcp  tcp dport 1  counter # handle 9
		tcp dport { 1, 2,
			    3 } accept # handle 10
		tcp dport 99 jump {
			counter
			ip saddr 1.2.3.4 jump {
				drop
			}
		} # handle 18
	}
}
`))
	want := map[uint64]string{
		6: "tcp dport 25 drop", 8: `log prefix "a  # handle 7" drop`, 9: "meta l4proto tcp tcp dport 1 counter", 10: "tcp dport { 1, 2, 3 } accept",
		18: "tcp dport 99 jump { counter; ip saddr 1.2.3.4 jump { drop } }",
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestNftPath(t *testing.T) {
	if path := nftPath("none"); path != "" {
		t.Errorf("none: %q", path)
	}
	if path := nftPath("/opt/nft"); path != "/opt/nft" {
		t.Errorf("a path: %q", path)
	}
	old := nftFolders
	defer func() { nftFolders = old }()
	nftFolders = []string{"/nonexistent/nft", "/bin/sh"}
	if path := nftPath(""); path != "/bin/sh" {
		t.Errorf("the first that exists: %q", path)
	}
}
