// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// TestHandshake checks the sequence numbers of a real TCP connection, and that a namespace which is created
// while tracer runs has a name.
func TestHandshake(t *testing.T) {
	w := newWorld(t)
	p := start(t, "--filter-func", few(), "--output-tcp-seq", "--output-netns-names", "tcp port 8080 or icmp")
	if err := tcp(a4+":41001", b4+":8080", get).Exchange(w.a, w.b); err != nil {
		t.Fatal(err)
	}
	late := ktest.NewNetns(t, "late")
	ping(t, late, "127.0.0.1", 0x3001)
	events := p.stop().events
	checkHandshake(t, events.that(in(marks(chosen()).sent)))
	for _, n := range []*ktest.Netns{w.a, w.b, late} {
		events.that(within(n)).present(t, "in "+n.Name)
		events.that(within(n), not(named(n.Name))).absent(t, "without the name "+n.Name)
	}
}

func named(netns string) func(*record) bool {
	return func(r *record) bool { return r.NetnsName != nil && *r.NetnsName == netns }
}

// checkHandshake checks that SYN, SYN|ACK and ACK have matching numbers, and that the request follows.
func checkHandshake(t *testing.T, sent records) {
	t.Helper()
	segments := sent.that(protocol("tcp"))
	segments.that(func(r *record) bool { return r.Tuple.Seq == nil || r.Tuple.Ack == nil || r.Tuple.Window == nil }).absent(t, "TCP without its numbers")
	sent.that(not(protocol("tcp")), func(r *record) bool { return r.Tuple.Seq != nil || r.Tuple.Flags != "" }).absent(t, "ICMP with numbers")
	if len(segments) < 4 {
		t.Fatalf("%d packets sent: %v", len(segments), segments)
	}
	syn, synAck, ack, request := segments[0].Tuple, segments[1].Tuple, segments[2].Tuple, segments[3].Tuple
	for i, flags := range []string{"SYN", "SYN|ACK", "ACK", "PSH|ACK"} {
		if got := segments[i].Tuple.Flags; got != flags {
			t.Errorf("packet %d has flags %s, want %s", i, got, flags)
		}
	}
	if *syn.Ack != 0 || *synAck.Ack != *syn.Seq+1 || *ack.Seq != *syn.Seq+1 || *ack.Ack != *synAck.Seq+1 || *request.Seq != *ack.Seq {
		t.Errorf("numbers do not fit: %v", segments[:4])
	}
	last := segments.that(from(a4), func(r *record) bool { return strings.Contains(r.Tuple.Flags, "FIN") })
	if len(last) != 1 || *last[0].Tuple.Seq != *request.Seq+uint32(len(get)) {
		t.Errorf("end of the request: %v", last)
	}
	if *syn.Window == 0 || *synAck.Window == 0 {
		t.Errorf("windows %d and %d", *syn.Window, *synAck.Window)
	}
}

const escape, red = "\x1b[", "\x1b[31m"

// TestColumns checks that columns are printed in the requested order, and only drops are coloured.
func TestColumns(t *testing.T) {
	n := ktest.NewNetns(t, "a")
	p := command{args: []string{
		"--filter-func", handful(), "--filter-netns", n.Path, "--output-columns", "func,len,tuple", "--color", "always", "udp and dst port 5002",
	}}.start(t)
	p.awaitReady()
	do(t, n, func() error { return udp("127.0.0.1:5001", "127.0.0.1:5002").Send(1) }) // a closed port
	p.stopText()
	lines := strings.Split(strings.TrimSuffix(p.stdout(), "\n"), "\n")
	if got := strings.Fields(lines[0]); strings.Join(got, " ") != "FUNC LEN TUPLE" {
		t.Errorf("header %q", got)
	}
	drops := 0
	for _, line := range lines[1:] {
		drop := strings.Contains(line, "tp:kfree_skb")
		if drop {
			drops++
		}
		if strings.Contains(line, escape) != drop || strings.HasPrefix(line, red) != drop {
			t.Errorf("colour of %q: want it only for drops", line)
		}
		if plain := uncoloured.ReplaceAllString(line, ""); !threeColumns.MatchString(plain) {
			t.Errorf("row %q", plain)
		}
	}
	if drops != 1 {
		t.Errorf("%d drops, want 1: %q", drops, lines)
	}
}

var (
	uncoloured   = regexp.MustCompile(`\x1b\[[0-9;]*m`)
	threeColumns = regexp.MustCompile(`^(tp:)?\w+\S*.* +\d+ +127\.0\.0\.1:5001->127\.0\.0\.1:5002\(udp\)`)
)

// TestColumnsInJSON checks the order of columns in JSON, and that other columns are absent.
func TestColumnsInJSON(t *testing.T) {
	s := newStream(t, nil, "--output-json", "--output-columns", "func,len,tuple,skb", "--color", "always")
	s.send(2)
	s.stop()
	want := regexp.MustCompile(`^\{("version":1,)?("type":"\w+",)?"func":"` + landmark() + `",(?:"(?:module|addr|dropped|reason|reason_code|location)":[^,]*,)*"len":48,"tuple":\{[^}]*\},"skb":"0x[0-9a-f]{6,16}"\}$`)
	for _, line := range strings.Split(s.stdout(), "\n")[:2] {
		if !want.MatchString(line) {
			t.Errorf("line %s, want %s", line, want)
		}
	}
}

// TestColorOnATerminal checks that output to a terminal is coloured by default, but not with NO_COLOR.
func TestColorOnATerminal(t *testing.T) {
	for name, colour := range map[string]bool{"terminal": true, "NO_COLOR": false} {
		t.Run(name, func(t *testing.T) {
			if !colour {
				t.Setenv("NO_COLOR", "1")
			}
			n := ktest.NewNetns(t, "a")
			keyboard, screen := terminal(t)
			p := command{args: []string{"--filter-func", "tp:kfree_skb", "--filter-netns", n.Path, "udp and dst port 5002"}, stdout: screen}.start(t)
			p.awaitReady()
			do(t, n, func() error { return udp("127.0.0.1:5001", "127.0.0.1:5002").Send(1) })
			p.stopText()
			screen.Close()
			text, err := io.ReadAll(keyboard)
			if err != nil && !errors.Is(err, unix.EIO) { // the end of a terminal
				t.Fatal(err)
			}
			if !strings.Contains(string(text), "kfree_skb") || strings.Contains(string(text), red) != colour || strings.Contains(string(text), escape) != colour {
				t.Errorf("got %q, want colour: %v", text, colour)
			}
		})
	}
}

// terminal opens a pseudo-terminal; screen is the side for the program, keyboard the other side.
func terminal(t *testing.T) (keyboard, screen *os.File) {
	t.Helper()
	keyboard, screen, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keyboard.Close(); screen.Close() })
	return keyboard, screen
}

// TestTextWithFlags checks flags that change the columns, flags that only print a note, and the
// functions of all modules.
func TestTextWithFlags(t *testing.T) {
	w := newWorld(t)
	p := command{args: []string{
		"--filter-func", few() + "|veth_xmit", "--all-kmods", "--output-meta=false", "--output-tcp-flags", "--output-netns-names",
		"--netns-names-max-length", "3", "--debug", "--set-percpu-buf", "8192", "--filter-kprobe-batch", "50", "tcp port 8080",
	}}.start(t)
	p.awaitReady()
	if err := tcp(a4+":41001", b4+":8080", get).Exchange(w.a, w.b); err != nil {
		t.Fatal(err)
	}
	p.stopText()
	header, rows, _ := strings.Cut(p.stdout(), "\n")
	if got := strings.Join(strings.Fields(header), " "); got != "SKB CPU PROCESS NETNS-NAME TUPLE FUNC" {
		t.Errorf("header %q", got)
	}
	short := "~" + w.a.Name[len(w.a.Name)-2:]
	for _, want := range []string{
		` ` + short + ` +10\.9\.0\.1:41001->10\.9\.0\.2:8080\(tcp:SYN\) `,
		` 10\.9\.0\.2:8080->10\.9\.0\.1:41001\(tcp:SYN\|ACK\) `,
	} {
		if !regexp.MustCompile(want).MatchString(rows) {
			t.Errorf("no row like %q in:\n%s", want, rows)
		}
	}
	if strings.Contains(rows, "seq=") || strings.Contains(rows, "va:") {
		t.Errorf("columns that were not requested, in:\n%s", rows)
	}
	p.checkModule(rows)
	for _, want := range []string{"--set-percpu-buf", "--filter-kprobe-batch", "debug: "} {
		if !strings.Contains(p.stderr(), want) {
			t.Errorf("no %q on stderr: %s", want, p.stderr())
		}
	}
}

// checkModule checks for the driver's function, if functions are traced and the kernel has BTF
// of modules.
func (p *process) checkModule(rows string) {
	p.t.Helper()
	if _, err := os.Stat("/sys/kernel/btf/veth"); err != nil || chosen() == tracepoint {
		return
	}
	if !strings.Contains(rows, "veth_xmit [veth]") {
		p.t.Errorf("no function of the module veth in:\n%s", rows)
	}
}
