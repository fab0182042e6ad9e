// SPDX-License-Identifier: Apache-2.0

package column

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"tracer/internal/event"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the table in the documentation")

const (
	docsPath   = "../../docs/output.md"
	tableBegin = "<!-- columns: made from internal/column by its test with -update -->\n"
	tableEnd   = "<!-- end of columns -->\n"
)

// TestDocs holds the table of the documentation against the one that makes the output.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, begun := strings.Cut(string(page), tableBegin)
	table, tail, ended := strings.Cut(rest, tableEnd)
	if !begun || !ended {
		t.Fatalf("no table between %q and %q in %s", tableBegin, tableEnd, docsPath)
	}
	want := documentation(t)
	if *update {
		if err := os.WriteFile(docsPath, []byte(head+tableBegin+want+tableEnd+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, table); diff != "" {
		t.Errorf("the table in %s is not what the columns are, -update writes it (-want +got):\n%s", docsPath, diff)
	}
}

// documentation is the table with the values of one event in both formats.
func documentation(t *testing.T) string {
	old := time.Local
	t.Cleanup(func() { time.Local = old })
	time.Local = time.UTC
	var b strings.Builder
	b.WriteString("| Header | Name | JSON key | Type | What it is | Text | JSON |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	e := documented()
	for _, c := range All() {
		fmt.Fprintf(&b, "| %s | `%s` | `%s` | %s | %s | %s | %s |\n",
			c.Header, c.Name, c.Key, c.Type, c.Help, example(c, c.Text, &e), example(c, c.JSON, &e))
	}
	return b.String()
}

func example(c Column, value func([]byte, *event.Event) []byte, e *event.Event) string {
	switch {
	case value == nil:
		return ""
	case c.Type == Object || c.Block:
		return "see below"
	}
	return "`" + strings.ReplaceAll(string(value(nil, e)), "|", `\|`) + "`"
}

// documented is a drop as one may meet it.
func documented() event.Event {
	e := event.Event{
		Kind: event.Tracepoint, CPU: 1, Time: 3545755566024, Skb: 0xffff88802fe50c00,
		Process: event.Process{PID: 215, TID: 215},
		Meta:    event.Meta{Netns: 4026532130, Ifindex: 2, Mark: 0xc00, Len: 84, MTU: 1500, Protocol: 0x0800},
		Drop:    event.Drop{Dropped: true, HasReason: true, Reason: 3, Location: 0xffffffff81ad9574},
		CB:      [5]uint32{0, 1, 0, 0, 0},
		Names: event.Names{
			Func: "kfree_skb", Reason: "SKB_DROP_REASON_NO_SOCKET", Location: "icmp_rcv+0x1f4", Caller: "sk_skb_reason_drop+0x9b",
			Netns: "blue", WallTime: 1795385108430579000, SinceLast: 41250,
		},
	}
	copy(e.Process.Comm[:], "ping")
	copy(e.Meta.Ifname[:], "va")
	return e
}
