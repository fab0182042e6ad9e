// SPDX-License-Identifier: Apache-2.0

package contrib_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const actions = "../.github/actions"

var pinned = regexp.MustCompile(`^[a-z-]+/[a-z-]+@[0-9a-f]{40} # v[0-9.]+$`)

// member matches a YAML key with its value on the same line, which is enough for these files.
var member = regexp.MustCompile(`^[\s-]*([A-Za-z_-]+): (.+)$`)

// TestOtherActionsArePinned checks that all workflows and actions refer to other actions by commit hash.
func TestOtherActionsArePinned(t *testing.T) {
	t.Parallel()
	files := slices.Concat(glob(t, "../.github/workflows/*"), glob(t, actions+"/*/action.yml"))
	uses := 0
	for _, file := range files {
		for _, m := range members(t, file) {
			if m.key != "uses" {
				continue
			}
			uses++
			if !pinned.MatchString(m.value) {
				t.Errorf("%s: uses %s, which is not pinned", file, m.value)
			}
		}
	}
	if uses < 2 {
		t.Errorf("%d uses found in %q, want more", uses, files)
	}
}

// TestInputsAreOnlyInEnvironment checks that each action runs a script file, and passes the inputs only in its
// environment.
func TestInputsAreOnlyInEnvironment(t *testing.T) {
	t.Parallel()
	for action, script := range map[string]string{"tracer-run": "start", "tracer-log": "stop"} {
		file := filepath.Join(actions, action, "action.yml")
		var given []string
		for _, m := range members(t, file) {
			if strings.HasPrefix(m.key, "TRACE_") {
				given = append(given, m.key)
			}
			if m.key == "run" && m.value != `'"$GITHUB_ACTION_PATH/`+script+`"'` {
				t.Errorf("%s: runs %s instead of %s", file, m.value, script)
			}
		}
		slices.Sort(given)
		if diff := cmp.Diff(variables(t, filepath.Join(actions, action, script)), given); diff != "" {
			t.Errorf("%s: variables of %s (-used +given):\n%s", file, script, diff)
		}
	}
}

// TestInputsAreDeclared checks that each input which an action uses is declared.
func TestInputsAreDeclared(t *testing.T) {
	t.Parallel()
	for _, file := range glob(t, actions+"/*/action.yml") {
		text := read(t, file)
		inputs, _, _ := strings.Cut(text, "\nruns:")
		used := regexp.MustCompile(`inputs\.([a-z-]+)`).FindAllStringSubmatch(text, -1)
		if len(used) == 0 {
			t.Errorf("%s: no input is used", file)
		}
		for _, match := range used {
			if !strings.Contains(inputs, "\n  "+match[1]+":\n    description: ") {
				t.Errorf("%s: the input %s is not declared", file, match[1])
			}
		}
	}
}

type keyed struct{ key, value string }

func members(t *testing.T, file string) (all []keyed) {
	for line := range strings.Lines(read(t, file)) {
		if m := member.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			all = append(all, keyed{m[1], m[2]})
		}
	}
	return all
}

// variables returns the variables of a script that the action must set.
func variables(t *testing.T, script string) []string {
	names := regexp.MustCompile(`TRACE_[A-Z]+`).FindAllString(read(t, script), -1)
	slices.Sort(names)
	return slices.Compact(names)
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %q (%v)", pattern, files, err)
	}
	return files
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// asTracer is the environment variable that selects the mode of the fake tracer, which is this test binary.
const asTracer = "TRACER_TEST_TRACER"

// tracer is the main function of the fake tracer. It prints its arguments and runs until SIGTERM. By mode it fails at
// once, never becomes ready, or exits with code 1 after SIGTERM.
func tracer(mode string, args []string) int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	if err := json.NewEncoder(os.Stdout).Encode(args[2:]); err != nil || args[0] != "--ready-file" {
		return 99
	}
	if mode == "fails" {
		fmt.Fprintln(os.Stderr, "tracer: bang")
		return 2
	}
	if mode != "never attaches" {
		fmt.Fprintln(os.Stderr, attached)
		if err := os.WriteFile(args[1], nil, 0o644); err != nil {
			return 99
		}
	}
	<-signals
	fmt.Fprintln(os.Stderr, traced)
	if mode == "ends badly" {
		return 1
	}
	return 0
}

// job is a simulated GitHub job that runs both actions.
type job struct {
	*testing.T
	dir string
	env []string
	out string
}

func newJob(t *testing.T, env ...string) *job {
	t.Helper()
	j := &job{T: t, dir: t.TempDir()}
	for _, name := range []string{"kubectl", "tracer"} {
		j.must(os.Symlink(executable(t), filepath.Join(j.dir, name)))
	}
	j.must(os.WriteFile(filepath.Join(j.dir, "sudo"), []byte("#!/bin/sh\nexec \"$@\"\n"), 0o755))
	j.env = append(os.Environ(), "PATH="+j.dir+":"+os.Getenv("PATH"), "TMPDIR="+j.dir,
		"RUNNER_TEMP="+j.dir, "GITHUB_OUTPUT="+filepath.Join(j.dir, "output"), asTracer+"=well",
		"TRACE_NAME=tracer", "TRACE_FILTER=", "TRACE_FLAGS=", "TRACE_NODES=", "TRACE_IMAGE=", "TRACE_BINARY=tracer", "TRACE_TIMEOUT=60")
	j.env = append(j.env, env...)
	t.Cleanup(j.endTracer)
	return j
}

func (j *job) must(err error) {
	j.Helper()
	if err != nil {
		j.Fatal(err)
	}
}

// endTracer kills the tracer of a test that failed before it stopped it.
func (j *job) endTracer() {
	var pid int
	b, err := os.ReadFile(j.kept("pid"))
	if _, scanned := fmt.Sscan(string(b), &pid); err == nil && scanned == nil && !exists(j.kept("status")) {
		_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended since
	}
}

func (j *job) kept(name string) string { return filepath.Join(j.dir, "trace-tracer", name) }

// step runs a script of an action, and checks its exit code and that its output contains text.
func (j *job) step(script string, code int, text string) {
	j.Helper()
	cmd := exec.Command(filepath.Join(actions, script))
	var out bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = j.env, &out, &out
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		j.Fatal(err)
	}
	j.out = out.String()
	if got := cmd.ProcessState.ExitCode(); got != code || !strings.Contains(j.out, text) {
		j.Errorf("%s: exit %d, want %d and %q; output:\n%s", script, got, code, text, j.out)
	}
}

// TestActionsOnARunner checks that filter and flags reach tracer unchanged, and the outputs of both actions.
func TestActionsOnARunner(t *testing.T) {
	t.Parallel()
	filter := `tcp[0] & 1 != 0 and "x" or '$(touch /x)` + "`\\\nport 80\n"
	j := newJob(t, "TRACE_FILTER="+filter, "TRACE_FLAGS=--filter-func=a b|\"c\"\n\n--output-json\n  $HOME\n")
	j.step("tracer-run/start", 0, attached)
	j.step("tracer-log/stop", 0, traced)
	var got []string
	j.must(json.Unmarshal([]byte(read(t, j.kept("logs/trace.txt"))), &got))
	if diff := cmp.Diff([]string{`--filter-func=a b|"c"`, "--output-json", "  $HOME", "--", filter}, got); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	if want, got := "directory="+j.kept("logs")+"\n", read(t, filepath.Join(j.dir, "output")); got != want {
		t.Errorf("outputs %q, want %q", got, want)
	}
}

// TestActionsOnNodes checks that the actions trace the given nodes of a cluster.
func TestActionsOnNodes(t *testing.T) {
	t.Parallel()
	j := newJob(t, "TRACE_NODES=a\n  c\n", "TRACE_IMAGE="+image, "TRACE_FILTER=icmp", "TRACE_FLAGS=--output-json")
	j.env = append(j.env, inCluster+"="+j.dir)
	b, err := json.Marshal(cluster{Nodes: []node{good("a"), good("b"), good("c")}})
	j.must(err)
	j.must(os.WriteFile(filepath.Join(j.dir, "cluster"), b, 0o644))
	j.step("tracer-run/start", 0, "tracing on 2 nodes")
	j.step("tracer-log/stop", 0, "node c: "+traced)
	if got := read(t, j.kept("logs/a.log")); !strings.HasSuffix(got, traced+"\n") {
		t.Errorf("log of a: %s", got)
	}
	m, err := readManifest(j.dir)
	j.must(err)
	if diff := cmp.Diff([]string{"--output-json", "--", "icmp"}, m.Pods[0].Spec.Containers[0].Args); len(m.Pods) != 2 || diff != "" {
		t.Errorf("%d pods, arguments (-want +got):\n%s", len(m.Pods), diff)
	}
}

// TestActionsOnAllNodes checks that nodes=all includes all nodes, of which one is never ready.
func TestActionsOnAllNodes(t *testing.T) {
	t.Parallel()
	j := newJob(t, "TRACE_NODES=all", "TRACE_IMAGE="+image, "TRACE_TIMEOUT=1")
	j.env = append(j.env, inCluster+"="+j.dir)
	b, err := json.Marshal(cluster{Nodes: []node{good("a"), {Name: "b", Waiting: "ContainerCreating"}}})
	j.must(err)
	j.must(os.WriteFile(filepath.Join(j.dir, "cluster"), b, 0o644))
	j.step("tracer-run/start", 1, "node b: not ready after 1 s")
	j.step("tracer-log/stop", 1, "::error::tracer ended with exit code 1")
}

// TestActionsFail checks the errors of both actions.
func TestActionsFail(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		env             []string
		starts, stops   int
		starting, ended string
	}{
		"tracer fails":        {[]string{asTracer + "=fails"}, 1, 1, "tracer: bang\n::error::tracer ended with exit code 2", "::error::tracer ended with exit code 2"},
		"never attaches":      {[]string{asTracer + "=never attaches", "TRACE_TIMEOUT=5"}, 1, 0, "::error::tracer was not ready after 5 seconds", traced},
		"ends badly":          {[]string{asTracer + "=ends badly"}, 0, 1, attached, "::error::tracer ended with exit code 1"},
		"no tracer":           {[]string{"TRACE_BINARY=nosuch"}, 1, 1, "::error::tracer nosuch: command not found", "::error::this job started no trace named tracer"},
		"no image":            {[]string{"TRACE_NODES=a"}, 1, 1, "::error::nodes need an image", "::error::this job started no trace"},
		"bad timeout":         {[]string{"TRACE_TIMEOUT=1m"}, 1, 1, "::error::timeout 1m: must be a number", "::error::this job started no trace"},
		"bad name":            {[]string{"TRACE_NAME=../x"}, 1, 1, "::error::name ../x: must consist of letters", "::error::name ../x: must consist of letters"},
		"name with a newline": {[]string{"TRACE_NAME=x\n::error::y"}, 1, 1, `::error::name $'x\n::error::y'`, "must consist of letters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, test.env...)
			j.step("tracer-run/start", test.starts, test.starting)
			j.step("tracer-log/stop", test.stops, test.ended)
		})
	}
}

// TestTraceNamesAreUnique checks that a job cannot start two traces with the same name.
func TestTraceNamesAreUnique(t *testing.T) {
	t.Parallel()
	j := newJob(t)
	j.step("tracer-run/start", 0, attached)
	j.step("tracer-run/start", 1, "::error::this job already started a trace named tracer")
	j.step("tracer-log/stop", 0, traced)
}
