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

const docsPath = "../../docs/output.md"

// TestDocs checks that the tables in docs/output.md are those of this package.
func TestDocs(t *testing.T) {
	page, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	want := string(page)
	for name, table := range map[string]string{"columns": documentation(t), "lost": keyTable(Lost()), "summary": keyTable(Summary())} {
		want = withTable(t, want, name, table)
	}
	if *update {
		if err := os.WriteFile(docsPath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(page)); diff != "" {
		t.Errorf("the tables in %s differ from the columns, -update writes them (-want +got):\n%s", docsPath, diff)
	}
}

// withTable replaces the table of that name in the page.
func withTable(t *testing.T, page, name, table string) string {
	t.Helper()
	begin := "<!-- " + name + ": made from internal/column by its test with -update -->\n"
	end := "<!-- end of " + name + " -->\n"
	head, rest, begun := strings.Cut(page, begin)
	_, tail, ended := strings.Cut(rest, end)
	if !begun || !ended {
		t.Fatalf("no table between %q and %q in %s", begin, end, docsPath)
	}
	return head + begin + table + end + tail
}

// keyTable returns the table for records that exist only in JSON.
func keyTable(columns []Column) string {
	var b strings.Builder
	b.WriteString("| Key | Type | What it is |\n| --- | --- | --- |\n")
	for _, c := range columns {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", c.Key, c.Type, helpCell(c))
	}
	return b.String()
}

// helpCell escapes NAME[bpf](tc), which would be a link in Markdown.
func helpCell(c Column) string { return strings.ReplaceAll(c.Help, "](", `]\(`) }

// documentation returns the table of columns, with the values of an example in both formats.
func documentation(t *testing.T) string {
	old := time.Local
	t.Cleanup(func() { time.Local = old })
	time.Local = time.UTC
	var b strings.Builder
	b.WriteString("| Header | Name | JSON key | Type | What it is | Text | JSON |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	e := documented()
	for _, c := range All() {
		fmt.Fprintf(&b, "| %s | `%s` | `%s` | %s | %s | %s | %s |\n",
			c.Header, c.Name, c.Key, c.Type, helpCell(c), example(c, c.Text, &e), example(c, c.JSON, &e))
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

// documented is the example in the table: a typical drop.
func documented() event.Event {
	e := event.Event{
		Kind: event.Tracepoint, CPU: 1, Time: 3545755566024, Skb: 0xffff88802fe50c00,
		Process: event.Process{PID: 215, TID: 215},
		Meta:    event.Meta{Netns: 4026532130, Ifindex: 2, Mark: 0xc00, Len: 84, MTU: 1500, Protocol: 0x0800},
		Drop:    event.Drop{Dropped: true, HasReason: true, Reason: 3, Location: 0xffffffff81ad9574},
		CB:      &event.CB{0, 1, 0, 0, 0},
		Names: event.Names{
			Func: "kfree_skb", Reason: "SKB_DROP_REASON_NO_SOCKET", Location: "icmp_rcv+0x1f4", Caller: "sk_skb_reason_drop+0x9b",
			Netns: "blue", WallTime: 1795385108430579000, SinceLast: 41250,
		},
	}
	copy(e.Process.Comm[:], "ping")
	copy(e.Meta.Ifname[:], "va")
	return e
}
