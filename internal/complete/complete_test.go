// SPDX-License-Identifier: Apache-2.0

package complete

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// useProc replaces /proc with a folder that has these processes, names by ID.
func useProc(t *testing.T, processes map[string]string) {
	t.Helper()
	defer func(real string) { t.Cleanup(func() { proc = real }) }(proc)
	proc = t.TempDir()
	for pid, name := range processes {
		if err := os.MkdirAll(filepath.Join(proc, pid), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(proc, pid, "comm"), []byte(name+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestProcesses(t *testing.T) {
	useProc(t, map[string]string{"1": "init", "20": "nginx", "3": "nginx", "sys": "not a process"})
	if err := os.Mkdir(filepath.Join(proc, "4"), 0o755); err != nil { // a process that has just ended
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Word{{"1", "init"}, {"20", "nginx"}, {"3", "nginx"}}, Processes()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Word{{"init", "process"}, {"nginx", "2 processes"}}, Commands()); diff != "" {
		t.Error(diff)
	}
}

func TestNoProc(t *testing.T) {
	useProc(t, nil)
	proc = filepath.Join(proc, "none")
	if words := append(Processes(), Commands()...); len(words) > 0 {
		t.Errorf("%v, want nothing", words)
	}
}

func has(words []Word, text string) bool {
	return slices.ContainsFunc(words, func(w Word) bool { return w.Text == text })
}

func TestThisSystem(t *testing.T) {
	for what, test := range map[string]struct {
		words []Word
		want  string
	}{
		"processes":                 {Processes(), strconv.Itoa(os.Getpid())},
		"functions":                 {Functions(), "ip_rcv"},
		"tracepoints":               {Functions(), "tp:kfree_skb"},
		"all functions":             {AllFunctions("tcp_v4_rc"), "tcp_v4_rcv"},
		"interfaces":                {Interfaces(nil), "lo"},
		"interfaces of a namespace": {Interfaces([]string{"/proc/self/ns/net"}), "lo"},
	} {
		if !has(test.words, test.want) {
			t.Errorf("%s: no %q among %d words", what, test.want, len(test.words))
		}
	}
}

func TestInterfacesOfUnknownNamespace(t *testing.T) {
	if words := Interfaces([]string{"none-such"}); len(words) > 0 {
		t.Errorf("%v, want nothing", words)
	}
}

// TestTooManyFunctions checks that no function is offered if there are too many.
func TestTooManyFunctions(t *testing.T) {
	if words := AllFunctions(""); len(words) > 0 {
		t.Errorf("%d functions are offered, want none", len(words))
	}
}

func TestOwnNamespaceIsAmongTheInodes(t *testing.T) {
	if words := NetnsInodes(); len(words) == 0 || words[0].Help != "this network namespace" {
		t.Errorf("%v, want our own first", words)
	}
}
