// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tracer/internal/capture"
	"tracer/internal/event"
)

// writeRecording writes a recording of two functions.
func writeRecording(t *testing.T, command ...string) string {
	t.Helper()
	w, err := capture.NewWriter(capture.Run{Command: command})
	if err != nil {
		t.Fatal(err)
	}
	for _, fn := range []string{"ip_rcv", "ip_output"} {
		if err := w.Take(&event.Event{Kind: event.Function, CPU: 3, Names: event.Names{Func: fn, WallTime: 1}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Take(&event.Event{Kind: event.Summary, Totals: &event.Totals{Matched: 2}}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "t.pcapng")
	if err := os.WriteFile(path, w.Data(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// readsAs runs read, and returns standard output and standard error.
func readsAs(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Main(append([]string{"read"}, args...), &out, &errs)
	return code, out.String(), errs.String()
}

func TestRead(t *testing.T) {
	path := writeRecording(t, "--output-columns", "func,cpu", "--write", "t.pcapng", "udp")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{path}, "FUNC                 CPU\nip_rcv 3\nip_output 3\n"}, // the recorded columns
		{[]string{path, "--output-columns", "cpu"}, "CPU\n3\n3\n"},
		{[]string{"--filter-func", "ip_out.*", "--output-columns", "func", path}, "FUNC\nip_output\n"},
		{[]string{"--output-limit-lines", "1", "--output-columns", "func", path}, "FUNC\nip_rcv\n"},
		{[]string{path, path, "--output-columns", "cpu"}, "CPU\n3\n3\n3\n3\n"},
		{[]string{path, "udp", "--output-columns", "cpu"}, "CPU\n"},
	} {
		code, stdout, stderr := readsAs(c.args...)
		if code != 0 || !slices.Equal(strings.Fields(stdout), strings.Fields(c.want)) {
			t.Errorf("%q: exit code %d, %q, want %q\n%s", c.args[1:], code, stdout, c.want, stderr)
		}
	}
}

// TestReadAgainAsRecording records what it reads.
func TestReadAgainAsRecording(t *testing.T) {
	path, again := writeRecording(t), filepath.Join(t.TempDir(), "again.pcapng")
	if code, stdout, stderr := readsAs(path, "--filter-event", "2", "-q", "--write", again); code != 0 || stdout != "" {
		t.Fatalf("exit code %d, %q\n%s", code, stdout, stderr)
	}
	if _, stdout, stderr := readsAs(again, "--output-columns", "func"); strings.Fields(stdout)[1] != "ip_output" || !strings.Contains(stderr, "1 event") {
		t.Errorf("%q\n%s", stdout, stderr)
	}
}

func TestReadErrors(t *testing.T) {
	path := writeRecording(t)
	cut := filepath.Join(t.TempDir(), "cut")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(cut, data[:len(data)-3], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, "read: no file"},
		{[]string{"/nonexistent/t"}, 1, `"/nonexistent/t": no such file or directory`},
		{[]string{os.Args[0]}, 1, "is no recording of tracer"},
		{[]string{cut}, 1, "the file ends within a block"},
		{[]string{path, "--filter-netns", "pid:1"}, 2, `--filter-netns "pid:1": a recording has names`},
		{[]string{path, "--filter-pid", "x"}, 2, `--filter-pid "x": not a process ID`},
		{[]string{path, "--since", "x"}, 1, `since "x": not a time`},
		{[]string{path, "udp", "prot", "5"}, 2, "prot"},
		{[]string{path, "--snaplen", "5"}, 2, "--snaplen: needs --write"},
	} {
		code, stdout, stderr := readsAs(c.args...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%q: exit code %d, want %d; %q, want %q", c.args, code, c.code, stderr, c.want)
		}
		if len(c.args) > 0 && c.args[0] == cut && strings.Count(stdout, "\n") != 3 {
			t.Errorf("the readable part is not printed: %q", stdout)
		}
	}
}

func TestWriteErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-q"}, "--quiet: needs --write"},
		{[]string{"--write-max-size", "3"}, "--write-max-size: needs --write"},
		{[]string{"--write", "-"}, "--write -: events are also printed to standard output"},
		{[]string{"--write", "-", "-q", "--write-max-size", "3"}, "--write-max-size: standard output is not rotated"},
		{[]string{"--write", "f", "--snaplen", "9999"}, "--snaplen 9999: more than 2048 bytes"},
		{[]string{"--write", "f", "--output-file", "./f"}, `--write "f": is also the --output-file`},
		{[]string{"--write", "f", "--output-file", "g", "-q"}, `--output-file "g": --quiet prints no events`},
	} {
		if _, err := parseTrace(c.args); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %s", c.args, err, c.want)
		}
	}
	for _, args := range [][]string{{"--write", "f", "-q"}, {"--write", "-", "-q"}, {"--write", "-", "--output-file", "g"}, {"--write", "f", "--snaplen", "200"}} {
		if _, err := parseTrace(args); err != nil {
			t.Errorf("%q: %v", args, err)
		}
	}
}
