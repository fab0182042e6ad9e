// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// stream is a running tracer that traces one function in one namespace. Each packet of send has one event.
type stream struct {
	*process
	n *ktest.Netns
}

func newStream(t *testing.T, stdout *os.File, args ...string) *stream {
	t.Helper()
	n := ktest.NewNetns(t, "a")
	listen(t, n)
	args = append(args, "--filter-func", landmark(), "--filter-netns", n.Path, "udp and dst port 7777")
	p := command{args: args, stdout: stdout}.start(t)
	p.awaitReady()
	return &stream{p, n}
}

func (s *stream) send(count int) {
	s.t.Helper()
	do(s.t, s.n, func() error { return udp("127.0.0.1:7001", "127.0.0.1:7777").Send(count) })
}

// TestText checks the header, the rows and the summary of text output.
func TestText(t *testing.T) {
	s := newStream(t, nil)
	s.send(2)
	s.stopText()
	lines := strings.Split(strings.TrimSuffix(s.stdout(), "\n"), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines, want a header and two events: %q", len(lines), lines)
	}
	want := "SKB CPU PROCESS NETNS MARK/x IFACE PROTO MTU LEN TUPLE FUNC"
	if got := strings.Join(strings.Fields(lines[0]), " "); got != want {
		t.Errorf("header %q, want %q", got, want)
	}
	row := regexp.MustCompile(`^0x[0-9a-f]{6,16} \d+ +\S+:\d+ +\d+ +0 +lo:1 +0x0800 65536 48 +` +
		`127\.0\.0\.1:7001->127\.0\.0\.1:7777\(udp\) +(tp:)?` + landmark() + `$`)
	for _, line := range lines[1:] {
		if !row.MatchString(line) {
			t.Errorf("row %q, want %s", line, row)
		}
	}
	if m := summaryLine.FindStringSubmatch(s.stderr()); m == nil || m[1] != "2" || m[3] != "0" {
		t.Errorf("summary %q, want 2 events and 0 lost", m)
	}
}

// TestPingInText checks the main use: the rows of a ping as text. The output is kept in the results folder.
func TestPingInText(t *testing.T) {
	w := newWorld(t)
	args := []string{"--output-tuple", "icmp and net 10.9.0.0/24"}
	if chosen() == kprobe { // attaching all functions would take long
		args = append(args, "--filter-func", handful())
	}
	p := command{args: args}.start(t)
	p.awaitReady()
	ping(t, w.a, b4, 0x3001)
	p.stopText()
	keep(t, "ping.txt", p.stdout()+p.stderr())
	for _, row := range []string{
		`ping:\d+ .* va:\d+ .* 10\.9\.0\.1:0->10\.9\.0\.2:0\(icmp\W.*echo.request.*\) +(tp:)?` + marks(chosen()).sent,
		` vb:\d+ .* 10\.9\.0\.1:0->10\.9\.0\.2:0\(icmp\W.*echo.request.*\) +(tp:)?` + marks(chosen()).received,
		` vb:\d+ .* 10\.9\.0\.2:0->10\.9\.0\.1:0\(icmp\W.*echo.reply.*\) +(tp:)?` + marks(chosen()).sent,
		` va:\d+ .* 10\.9\.0\.2:0->10\.9\.0\.1:0\(icmp\W.*echo.reply.*\) +(tp:)?` + marks(chosen()).received,
	} {
		if !regexp.MustCompile(`(?m)^0x[0-9a-f]{6,16} .*` + row + `$`).MatchString(p.stdout()) {
			t.Errorf("no row %s in\n%s", row, p.stdout())
		}
	}
}

// keep writes a file to the results folder, if there is one.
func keep(t *testing.T, name, text string) {
	t.Helper()
	folder := os.Getenv("RESULTS")
	if folder == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
		t.Error(err)
	}
}

func TestOutputFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "trace.json")
	s := newStream(t, nil, "--output-json", "--output-file", file)
	s.send(3)
	s.stopText()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if tr := parse(t, string(text)); len(tr.events) != 3 {
		t.Errorf("%d events in the file, want 3", len(tr.events))
	}
	if s.stdout() != "" {
		t.Errorf("standard output got %q", s.stdout())
	}
}

func TestOutputLimitLines(t *testing.T) {
	s := newStream(t, nil, "--output-json", "--output-limit-lines", "5")
	s.send(12)
	s.ends(soon, 0)
	if tr := s.trace(); len(tr.events) != 5 || tr.summary.Lost != 0 || tr.summary.Matched < 5 || tr.summary.Matched > 12 {
		t.Errorf("%d events, %s, want 5", len(tr.events), tr.summary)
	}
}

func TestTimestamp(t *testing.T) {
	for form, check := range map[string]func(*testing.T, moments, records){
		"current": checkCurrent, "relative": checkRelative, "absolute": checkAbsolute, "none": checkNone,
	} {
		t.Run(form, func(t *testing.T) {
			s := newStream(t, nil, "--output-json", "--timestamp", form)
			m := moments{before: time.Now(), clockBefore: clock()}
			s.send(2)
			m.after, m.clockAfter = time.Now(), clock()
			events := s.stop().events
			if len(events) != 2 {
				t.Fatalf("%d events, want 2", len(events))
			}
			check(t, m, events)
		})
	}
}

// moments are the times between which the packets were sent, as wall clock and
// on the kernel's monotonic clock in nanoseconds.
type moments struct {
	before, after           time.Time
	clockBefore, clockAfter uint64
}

func clock() uint64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic(err)
	}
	return uint64(ts.Nano())
}

func (m moments) hasClock(n uint64) bool { return m.clockBefore <= n && n <= m.clockAfter }

func checkCurrent(t *testing.T, m moments, events records) {
	for _, r := range events {
		var n uint64
		if err := json.Unmarshal(r.Time, &n); err != nil || !m.hasClock(n) {
			t.Errorf("time %s, %v, want one from %d to %d", r.Time, err, m.clockBefore, m.clockAfter)
		}
	}
}

// checkRelative checks relative times. The first event has time 0.
func checkRelative(t *testing.T, m moments, events records) {
	var first uint64
	if err := json.Unmarshal(events[0].Time, &first); err != nil || first != 0 {
		t.Errorf("time %s of the first event, %v, want 0", events[0].Time, err)
	}
	var second uint64
	if err := json.Unmarshal(events[1].Time, &second); err != nil || second > m.clockAfter-m.clockBefore {
		t.Errorf("time %s of the second event, %v, want %d at most", events[1].Time, err, m.clockAfter-m.clockBefore)
	}
}

// checkAbsolute checks wall-clock times. It allows for rounding to microseconds and for adjustments of
// the clock.
func checkAbsolute(t *testing.T, m moments, events records) {
	const slack = 50 * time.Millisecond
	for _, r := range events {
		var at time.Time
		if err := json.Unmarshal(r.Time, &at); err != nil || at.Before(m.before.Add(-slack)) || at.After(m.after.Add(slack)) {
			t.Errorf("time %s, %v, want one from %v to %v", r.Time, err, m.before, m.after)
		}
		if !m.hasClock(r.Monotonic) {
			t.Errorf("monotonic %d, want one from %d to %d", r.Monotonic, m.clockBefore, m.clockAfter)
		}
	}
}

func checkNone(t *testing.T, _ moments, events records) {
	if slices.ContainsFunc(events, func(r record) bool { return r.Time != nil || r.Monotonic != 0 }) {
		t.Errorf("times in %v", events)
	}
}

// TestClosedPipe checks that tracer ends without an error if the reader closes the pipe, as in
// `tracer | head -1`.
func TestClosedPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	s := newStream(t, w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s.send(1)
	if line, err := bufio.NewReader(r).ReadString('\n'); err != nil || !strings.HasPrefix(line, "SKB ") {
		t.Errorf("first line %q, %v", line, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	s.send(20)
	s.ends(soon, 0)
	if strings.Contains(s.stderr(), "broken pipe") {
		t.Errorf("stderr: %s", s.stderr())
	}
}

// TestFullDisk checks that a full file system ends the run with the totals and an error.
func TestFullDisk(t *testing.T) {
	file, err := os.Create(filepath.Join(smallDisk(t), "trace.json"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() }) // before the file system is unmounted
	n := ktest.NewNetns(t, "a")
	listen(t, n)
	p := command{
		args:   []string{"--output-json", "--filter-func", landmark(), "--filter-netns", n.Path},
		stdout: file,
	}.start(t)
	p.awaitReady()
	do(t, n, func() error { return udp("127.0.0.1:7001", "127.0.0.1:7777").Send(20) })
	p.ends(soon, 1)
	if _, end, traced := strings.Cut(p.stderr(), "\ntraced "); !traced || !strings.Contains(end, "no space left on device") {
		t.Errorf("stderr: %s", p.stderr())
	}
}

// smallDisk mounts a tmpfs with a size of one page.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestFullDevice checks that a full device is an error before anything is attached.
func TestFullDevice(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	p := command{args: []string{"--filter-func", landmark()}, stdout: full}.start(t)
	p.ends(soon, 1)
	if strings.Contains(p.stderr(), "attached") || !strings.Contains(p.stderr(), "no space left on device") {
		t.Errorf("stderr: %s", p.stderr())
	}
}
