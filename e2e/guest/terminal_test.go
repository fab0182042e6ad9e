// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
)

// window is a pseudo-terminal, and the text that was written to it.
type window struct {
	t             *testing.T
	master, slave *os.File
	mu            sync.Mutex
	text          strings.Builder
	done          chan struct{}
}

func openWindow(t *testing.T, width uint16) *window {
	t.Helper()
	master, slave := terminal(t)
	w := &window{t: t, master: master, slave: slave, done: make(chan struct{})}
	w.resize(width)
	go w.read()
	return w
}

// read reads the terminal until no process has the slave open.
func (w *window) read() {
	defer close(w.done)
	_, err := io.Copy(w, w.master)
	if err != nil && !errors.Is(err, syscall.EIO) {
		w.t.Error(err)
	}
}

func (w *window) Write(text []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(text)
}

// shown returns the text on the screen, without colours.
func (w *window) shown() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.ReplaceAll(uncoloured.ReplaceAllString(w.text.String(), ""), "\r\n", "\n")
}

func (w *window) resize(width uint16) {
	w.t.Helper()
	if err := pty.Setsize(w.master, &pty.Winsize{Rows: 24, Cols: width}); err != nil {
		w.t.Fatal(err)
	}
}

// start starts tracer in the foreground of the window, so that it receives SIGWINCH.
func (w *window) start(args ...string) *process {
	w.t.Helper()
	p := command{args: args, stdout: w.slave, onTerminal: true}.start(w.t)
	w.slave.Close()
	p.awaitReady()
	return p
}

// stop ends tracer with SIGINT, and waits until all output has been read.
func (w *window) stop(p *process) {
	w.t.Helper()
	p.stopText()
	<-w.done
}

// showing is a tracer command with its traffic and expected output.
type showing struct {
	name string
	args []string
	do   func(t *testing.T, w *world)
	// row is a pattern for the end of a row, last for the end of stderr.
	row, last string
}

func showings() []showing {
	functions := []string{}
	if chosen() == kprobe { // attaching all functions would take long
		functions = []string{"--filter-func", handful()}
	}
	return []showing{
		{"ping", append(functions, "icmp and net 10.9.0.0/24"), func(t *testing.T, w *world) { ping(t, w.a, b4, 0x3001) },
			landmark(), `traced \d+ events? of \d+ packets? .*, 0 lost\b.*(\n[1-9]\d* drops?: .+)?(\nbenign: .+)?`},
		{"tcp", append(functions, "--filter-track-skb", "--timestamp", "relative", "tcp port 8080 and net 10.9.0.0/24"), exchange,
			landmark(), `traced \d+ events? of \d+ packets? .*, 0 lost\b.*(\n[1-9]\d* drops?: .+)?(\nbenign: .+)?`},
		{"drop", []string{"--drop", "udp port 9009 and net 10.9.0.0/24"}, func(t *testing.T, w *world) {
			do(t, w.a, func() error { return udp(a4+":9001", b4+":9009").Send(3) })
		}, `tp:kfree_skb.*`, `[1-9]\d* drops?:(?: .*|(?:\n  [1-9]\d* × .*)+)`},
	}
}

func exchange(t *testing.T, w *world) {
	t.Helper()
	if err := tcp(a4+":41001", b4+":8080", get).Exchange(w.a, w.b); err != nil {
		t.Fatal(err)
	}
}

// TestTerminal checks common commands on terminals of several widths, and in a pipe: no row is wider than the
// terminal, and each has the function. The screens are kept in the results folder.
func TestTerminal(t *testing.T) {
	for _, s := range showings() {
		for _, width := range []uint16{80, 120, 160, 200} {
			t.Run(fmt.Sprintf("%s %d", s.name, width), func(t *testing.T) { s.onTerminal(t, width) })
		}
		t.Run(s.name+" piped", s.piped)
	}
}

func (s *showing) onTerminal(t *testing.T, width uint16) {
	w := openWindow(t, width)
	p := w.start(s.args...)
	s.do(t, newWorld(t))
	w.stop(p)
	keep(t, fmt.Sprintf("%s-%d.txt", s.name, width), w.shown()+p.stderr())
	checkRows(t, w.shown(), int(width))
	s.check(t, w.shown(), p.stderr())
	header, _, _ := strings.Cut(w.shown(), "\n")
	noted := strings.Contains(p.stderr(), fmt.Sprintf(" in %d columns: --output-columns default shows all\n", width))
	if noted == (strings.Contains(header, "SKB") && strings.Contains(header, "MTU")) {
		t.Errorf("a note on omitted columns: %t, with the columns %q", noted, header)
	}
}

func (s *showing) piped(t *testing.T) {
	p := command{args: s.args}.start(t)
	p.awaitReady()
	s.do(t, newWorld(t))
	p.stopText()
	keep(t, s.name+"-piped.txt", p.stdout()+p.stderr())
	s.check(t, p.stdout(), p.stderr())
	for _, header := range []string{"SKB ", "CPU", "PROCESS ", "NETNS ", "MARK/x ", "IFACE ", "PROTO ", "MTU ", "LEN ", "TUPLE ", "FUNC\n"} {
		if !strings.Contains(p.stdout(), header) {
			t.Errorf("no column %s in a pipe", header)
		}
	}
}

func (s *showing) check(t *testing.T, text, stderr string) {
	t.Helper()
	if !regexp.MustCompile(`(?m)^\S.* (tp:)?` + s.row + `$`).MatchString(text) {
		t.Errorf("no row of %s in\n%s", s.row, text)
	}
	if !regexp.MustCompile(s.last + `\n$`).MatchString(stderr) {
		t.Errorf("stderr does not end with %s: %s", s.last, stderr)
	}
	if s.name == "tcp" {
		checkNumbers(t, text)
	}
}

// checkRows checks that the header and all rows fit, and that each row has text in the column FUNC. Continuation
// lines below a row may be longer.
func checkRows(t *testing.T, text string, width int) {
	t.Helper()
	at := 0
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		cells := utf8.RuneCountInString(line) // each rune has a width of one cell here
		switch {
		case strings.HasPrefix(line, "    "):
			continue
		case i == 0 || strings.HasSuffix(line, " FUNC"):
			at = utf8.RuneCountInString(line) - len("FUNC")
		case cells <= at:
			t.Errorf("no function in %q", line)
		}
		if cells > width {
			t.Errorf("%d cells, on a terminal of %d: %q", cells, width, line)
		}
	}
}

// checkNumbers checks that packets are numbered 1, 2, 3 … in the order in which they appear.
func checkNumbers(t *testing.T, text string) {
	t.Helper()
	lines := strings.Split(text, "\n")
	column := slices.Index(strings.Fields(lines[0]), "ID")
	if column < 0 {
		t.Fatalf("no column ID in %q", lines[0])
	}
	seen := 0
	for _, line := range lines[1:] {
		fields := strings.Fields(line)
		if len(fields) <= column {
			continue
		}
		var id int
		if _, err := fmt.Sscanf(fields[column], "%d", &id); err != nil || id > seen+1 || id == 0 {
			t.Errorf("packet %s appears after packet %d: %q", fields[column], seen, line)
			return
		}
		seen = max(seen, id)
	}
	if seen < 2 {
		t.Errorf("%d packets of a connection", seen)
	}
}

// TestTerminalResize checks that after the terminal is resized, the next row follows a new header, and both fit.
func TestTerminalResize(t *testing.T) {
	win := openWindow(t, 160)
	p := win.start("--filter-func", handful(), "icmp and net 10.9.0.0/24")
	w := newWorld(t)
	win.awaitHeaders(1, func() { ping(t, w.a, b4, 0x3002) })
	win.resize(80)
	win.awaitHeaders(2, func() { ping(t, w.a, b4, 0x3003) })
	win.stop(p)
	text := win.shown()
	again := strings.LastIndex(text[:strings.LastIndex(text, endOfHeader)], "\n") + 1
	before, after := text[:again], text[again:]
	if header, _, _ := strings.Cut(before, "\n"); !strings.Contains(header, "PROCESS") {
		t.Errorf("the first header is %q", header)
	}
	if header, _, _ := strings.Cut(after, "\n"); strings.Contains(header, "PROCESS") {
		t.Errorf("the second header is %q", header)
	}
	checkRows(t, before, 160)
	checkRows(t, after, 80)
}

// endOfHeader is the end of each header.
const endOfHeader = " FUNC\n"

// awaitHeaders calls send repeatedly until count headers are shown, the last one with a row below it.
func (w *window) awaitHeaders(count int, send func()) {
	w.t.Helper()
	isShown := func() bool {
		send()
		parts := strings.Split(w.shown(), endOfHeader)
		return len(parts) == count+1 && strings.Contains(parts[count], landmark())
	}
	if !waits(soon, isShown) {
		w.t.Fatalf("no %d headers, each with a row of %s below it:\n%s", count, landmark(), w.shown())
	}
}

// TestFirstMessage checks that on a terminal, the first progress message appears before the kernel's BTF is read.
func TestFirstMessage(t *testing.T) {
	w := openWindow(t, 80)
	p := command{args: []string{"--filter-func", landmark()}, stderr: w.slave}.start(t)
	w.slave.Close()
	if waits(startLimit, func() bool { return w.shown() != "" }) {
		t.Logf("after %v", time.Since(p.began))
	}
	p.awaitReady()
	w.stop(p)
	const first, attaching = "\r\x1b[Kreading kernel types…", "\r\x1b[Kattaching 1 of "
	text := w.shown()
	if !strings.HasPrefix(text, first) || !strings.Contains(text, attaching) {
		t.Errorf("%q, want %q and then %q", text, first, attaching)
	}
	if i := strings.LastIndex(text, "\r\x1b[K"); i < 0 || !strings.HasPrefix(text[i:], "\r\x1b[Kattached to ") {
		t.Errorf("the progress line was not cleared: %q", text)
	}
}
