// SPDX-License-Identifier: Apache-2.0

// Package contrib_test tests the scripts in this folder and in .ci, the GitHub actions, and some targets of the
// Makefile, with a fake kubectl, a fake tracer and other fake commands.
package contrib_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	image    = "registry.example/tracer:1"
	attached = "attached to 1539 functions and 1 tracepoint in 1.6s"
	traced   = "traced 1 event of 1 packet in 0.8s, 0 lost"
	row      = "0xffff888004b45000 0 icmp_rcv"
)

// good returns a node where tracer runs without errors until its pod is deleted.
func good(name string) node {
	return node{Name: name, Log: []string{"backend kprobe", attached, row + " " + name}, Last: []string{traced}}
}

// ended returns a node where tracer exits with this code, before the pod is deleted.
func ended(name string, code int, lines ...string) node {
	return node{Name: name, Log: lines, Ends: &code}
}

// script is a run of tracer-on-k8s with a fake cluster.
type script struct {
	*testing.T
	dir            string
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

// newScript prepares a run in which the fake kubectl is first in PATH.
func newScript(t *testing.T, c cluster, args ...string) *script {
	t.Helper()
	s := &script{T: t, dir: t.TempDir()}
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	s.must(os.WriteFile(s.path("cluster"), b, 0o644))
	s.must(os.Mkdir(s.path("bin"), 0o755))
	s.must(os.Symlink(executable(t), s.path("bin/kubectl")))
	s.cmd = exec.Command("./tracer-on-k8s", args...)
	s.cmd.Env = append(os.Environ(), inCluster+"="+s.dir, "PATH="+s.path("bin")+":"+os.Getenv("PATH"),
		"TRACER_IMAGE="+image, "TMPDIR="+s.dir)
	s.cmd.Stdout, s.cmd.Stderr = &s.stdout, &s.stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.cmd.WaitDelay = time.Minute
	return s
}

func executable(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (s *script) path(name string) string { return filepath.Join(s.dir, name) }

func (s *script) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// ends waits for the script, and checks its exit code and that it has removed what it created.
func (s *script) ends(code int) {
	s.Helper()
	err := s.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.Fatal(err)
	}
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.Errorf("exit %d, want %d; stderr:\n%s", got, code, &s.stderr)
	}
	s.leavesNothing()
}

func (s *script) run(code int) {
	s.Helper()
	s.must(s.cmd.Start())
	s.ends(code)
}

func (s *script) leavesNothing() {
	s.Helper()
	left, err := filepath.Glob(s.path("tmp.*"))
	if err != nil || len(left) != 0 {
		s.Errorf("left behind: %q (%v)", left, err)
	}
	if !exists(s.path("manifest")) {
		return
	}
	made, removed := s.manifest(), s.lines("removed")
	for _, n := range made.Namespaces {
		if !slices.Contains(removed, n.Name) {
			s.Errorf("namespace %s was not removed", n.Name)
		}
	}
	for _, p := range made.Pods {
		if !slices.Contains(removed, p.Metadata.Name) && len(made.Namespaces) == 0 {
			s.Errorf("pod %s was not removed", p.Metadata.Name)
		}
	}
}

func (s *script) manifest() manifest {
	s.Helper()
	m, err := readManifest(s.dir)
	s.must(err)
	return m
}

func (s *script) lines(file string) []string {
	s.Helper()
	b, err := os.ReadFile(s.path(file))
	if err != nil && !os.IsNotExist(err) {
		s.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(b)), "\n")
}

// starts starts the script and waits until all nodes are ready.
func (s *script) starts() {
	s.Helper()
	ready := s.path("ready")
	s.cmd.Args = slices.Insert(s.cmd.Args, 1, "--ready-file", ready)
	s.must(s.cmd.Start())
	s.Cleanup(func() { _ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) }) // only has an effect if the test fails
	for deadline := time.Now().Add(time.Minute); !exists(ready); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.Fatal("not ready after a minute")
		}
	}
}

// signal sends a signal to the process group, like a terminal.
func (s *script) signal(sig syscall.Signal) {
	s.Helper()
	s.must(syscall.Kill(-s.cmd.Process.Pid, sig))
}

func (s *script) says(text string) {
	s.Helper()
	if !strings.Contains(s.stderr.String(), text) {
		s.Errorf("stderr does not contain %q:\n%s", text, &s.stderr)
	}
}

// nasty are arguments with characters that shells, YAML, JSON or Kubernetes could interpret.
var nasty = []string{
	"--filter-func", `a|"b"|'c'|\d+|[\\]`, "--output-json", "", " ", "two  blanks ", "*", "~", "#", "- x: {y}",
	`tcp[tcpflags] & tcp-syn != 0 and port \http`, "first\nsecond\n", "tab\there\rbell\a\x01\x1b\x7f",
	"$HOME ${HOME} $(HOME) $$ $$(HOME) $ $( `id` $(id)", "größe €😀\u2028", "--", "--node", "%s\\n%d", "!x", "a=b", "\\", "\"", "'",
}

// TestArgumentsArriveUnchanged checks that tracer's arguments reach the container unchanged.
func TestArgumentsArriveUnchanged(t *testing.T) {
	t.Parallel()
	s := newScript(t, cluster{Nodes: []node{ended("a", 0)}}, append([]string{"--node", "a", "--"}, nasty...)...)
	s.run(0)
	var got []string
	for _, argument := range s.manifest().Pods[0].Spec.Containers[0].Args {
		got = append(got, expand(argument, map[string]string{"HOME": "/root", "id": "x"}))
	}
	if diff := cmp.Diff(nasty, got); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
}

// TestExpand checks that expand works like the expansion in Kubernetes.
func TestExpand(t *testing.T) {
	t.Parallel()
	for argument, want := range map[string]string{
		"$(A) $(B) $$(A) $$$(A) $$": "1 $(B) $(A) $1 $", "$A $": "$A $", "$(A": "$(A", "$$$$": "$$",
	} {
		if got := expand(argument, map[string]string{"A": "1"}); got != want {
			t.Errorf("%q becomes %q, want %q", argument, got, want)
		}
	}
}

// TestPod checks the namespace and the pod that the script creates.
func TestPod(t *testing.T) {
	t.Parallel()
	s := newScript(t, cluster{Nodes: []node{ended("a", 0)}}, "--node=a")
	s.run(0)
	m := s.manifest()
	if len(m.Namespaces) != 1 || m.Namespaces[0].Labels["pod-security.kubernetes.io/enforce"] != "privileged" {
		t.Errorf("namespaces %v, want one that allows privileged pods", m.Namespaces)
	}
	p := m.Pods[0]
	if p.Metadata.Namespace != m.Namespaces[0].Name || p.Spec.NodeName != "a" || p.Spec.RestartPolicy != "Never" {
		t.Errorf("pod %+v", p)
	}
	if !p.Spec.HostNetwork || !p.Spec.HostPID || !p.Spec.Containers[0].SecurityContext.Privileged {
		t.Errorf("the pod does not see the node: %+v", p.Spec)
	}
	if diff := cmp.Diff([]map[string]string{{"operator": "Exists"}}, p.Spec.Tolerations); diff != "" {
		t.Errorf("not every taint is tolerated: %s", diff)
	}
	if c := p.Spec.Containers[0]; c.Image != image || len(c.Args) != 0 {
		t.Errorf("image %q, args %q", c.Image, c.Args)
	}
	mounted := map[string]string{}
	for i, v := range p.Spec.Volumes {
		mounted[v.HostPath.Path] = p.Spec.Containers[0].VolumeMounts[i].MountPath
	}
	if diff := cmp.Diff(map[string]string{"/sys/kernel": "/sys/kernel", "/sys/fs/cgroup": "/sys/fs/cgroup", "/run/netns": "/run/netns"}, mounted); diff != "" {
		t.Errorf("mounts (-want +got):\n%s", diff)
	}
}

// TestEveryNodeGetsAFile checks that --output writes one log file per node, and that summaries go to stderr.
func TestEveryNodeGetsAFile(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "logs")
	s := newScript(t, cluster{Nodes: []node{good("a"), good("b.example"), good("c")}}, "--all-nodes", "--output", out)
	s.starts()
	s.signal(syscall.SIGINT)
	s.ends(0)
	for _, name := range []string{"a", "b.example", "c"} {
		got, err := os.ReadFile(filepath.Join(out, name+".log"))
		want := "backend kprobe\n" + attached + "\n" + row + " " + name + "\n" + traced + "\n"
		if err != nil || string(got) != want {
			t.Errorf("node %s: %q (%v), want %q", name, got, err, want)
		}
		s.says("node " + name + ": " + traced)
	}
	if s.stdout.Len() != 0 {
		t.Errorf("stdout: %s", &s.stdout)
	}
}

// TestLinesBeginWithTheirNode checks the prefix of lines from several nodes, and that a repeated node is traced once.
func TestLinesBeginWithTheirNode(t *testing.T) {
	t.Parallel()
	s := newScript(t, cluster{Nodes: []node{ended("a", 0, "x"), ended("b", 0, "y"), ended("c", 0, "z")}}, "--node=a", "--node=c", "--node=a")
	s.run(0)
	lines := strings.Split(strings.TrimSpace(s.stdout.String()), "\n")
	slices.Sort(lines)
	if diff := cmp.Diff([]string{"a:x", "c:z"}, lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// TestInterruptWaitsForTheLastLine checks that SIGINT and SIGTERM wait for the last line.
func TestInterruptWaitsForTheLastLine(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		s := newScript(t, cluster{Nodes: []node{good("a")}}, "--node", "a")
		s.starts()
		s.signal(sig)
		s.ends(0)
		if !strings.HasSuffix(s.stdout.String(), row+" a\n"+traced+"\n") {
			t.Errorf("%v: %s", sig, &s.stdout)
		}
	}
}

// TestSecondInterruptDoesNotWait checks that a second SIGINT ends the script although tracer still runs.
func TestSecondInterruptDoesNotWait(t *testing.T) {
	t.Parallel()
	n := good("a")
	n.Hangs = true
	s := newScript(t, cluster{Nodes: []node{n}}, "--node", "a")
	s.starts()
	s.signal(syscall.SIGINT)
	for !exists(s.path("deleted")) {
		time.Sleep(10 * time.Millisecond)
	}
	began := time.Now()
	s.signal(syscall.SIGINT)
	s.ends(1)
	s.says("node a: tracer was still running when this script ended")
	if waited := time.Since(began); waited > 20*time.Second {
		t.Errorf("waited %v", waited)
	}
}

// TestInterruptBeforeReady checks that the script can be interrupted while it waits for the pods.
func TestInterruptBeforeReady(t *testing.T) {
	t.Parallel()
	s := newScript(t, cluster{Nodes: []node{{Name: "a", Waiting: "ContainerCreating"}}}, "--node", "a")
	s.must(s.cmd.Start())
	for !slices.ContainsFunc(s.lines("calls"), func(c string) bool { return strings.Contains(c, "get pods") }) {
		time.Sleep(10 * time.Millisecond)
	}
	s.signal(syscall.SIGINT)
	s.ends(0)
}

// TestClosedPipeEndsTheRun checks that the script ends without an error if the reader closes the pipe.
func TestClosedPipeEndsTheRun(t *testing.T) {
	t.Parallel()
	n := good("a")
	n.Log = append(n.Log, slices.Repeat([]string{row}, 100_000)...)
	s := newScript(t, cluster{Nodes: []node{n, good("b")}}, "--all-nodes")
	r, w, err := os.Pipe()
	s.must(err)
	s.cmd.Stdout = w
	s.must(s.cmd.Start())
	s.must(w.Close())
	_, err = r.Read(make([]byte, 100))
	s.must(err)
	s.must(r.Close())
	s.ends(0)
}

// TestFailures checks exit codes and error messages.
func TestFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cluster cluster
		args    []string
		code    int
		says    []string
	}{
		"tracer fails": {
			cluster{Nodes: []node{ended("a", 2, "tracer: unknown flag \"--x\"", "hint: none")}}, []string{"--node=a", "--", "--x"}, 1,
			[]string{`node a: tracer ended with exit code 2: unknown flag "--x"`},
		},
		"one of two fails": {
			cluster{Nodes: []node{good("a"), ended("b", 1, attached, "tracer: bang")}}, []string{"--all-nodes"}, 1,
			[]string{"node b: tracer ended with exit code 1: bang"},
		},
		"tracer is killed": {
			cluster{Nodes: []node{ended("a", 137, attached)}}, []string{"--node=a"}, 1,
			[]string{"node a: tracer ended with exit code 137\n"},
		},
		"no image": {
			cluster{Nodes: []node{{Name: "a", Waiting: "ImagePullBackOff"}}}, []string{"--node=a"}, 1,
			[]string{"Events: of tracer-", "node a: ImagePullBackOff"},
		},
		"a pod that does not start": {
			cluster{Nodes: []node{good("a"), {Name: "b", Waiting: "ContainerCreating"}}}, []string{"--all-nodes", "--timeout=2"}, 1,
			[]string{"Events: of tracer-", "node b: not ready after 2 s"},
		},
		"a tracer that does not attach": {
			cluster{Nodes: []node{{Name: "a", Log: []string{"backend kprobe"}}}}, []string{"--node=a", "--timeout=2"}, 1,
			[]string{"Events: of tracer-", "node a: not ready after 2 s"},
		},
		"pod security": {
			cluster{Nodes: []node{good("a")}, Refusal: `pods "x" is forbidden: violates PodSecurity "baseline:latest"`}, []string{"--node=a", "--namespace=n"}, 1,
			[]string{"violates PodSecurity", "hint: tracer's pods are privileged", "can't create the pods"},
		},
		"no such node":   {cluster{Nodes: []node{good("a")}}, []string{"--node=b"}, 1, []string{`nodes "b" not found`, "not every node exists"}},
		"empty cluster":  {cluster{}, []string{"--all-nodes"}, 1, []string{"the cluster has no Linux node"}},
		"no nodes":       {cluster{}, nil, 2, []string{"no node is given\n", "hint: "}},
		"both":           {cluster{}, []string{"--node=a", "--all-nodes"}, 2, []string{"can't be combined"}},
		"no --":          {cluster{}, []string{"--node=a", "icmp"}, 2, []string{`unknown argument "icmp"`, "after --"}},
		"unknown option": {cluster{}, []string{"--node=a", "--filter-func", "x"}, 2, []string{`unknown option "--filter-func"`}},
		"no value":       {cluster{}, []string{"--node"}, 2, []string{"--node: a value is missing"}},
		"bad timeout":    {cluster{}, []string{"--node=a", "--timeout=1m"}, 2, []string{`--timeout "1m": must be a number of seconds`}},
		"empty image":    {cluster{}, []string{"--node=a", "--image="}, 2, []string{"no image is given\n"}},
		"not UTF-8":      {cluster{}, []string{"--node=a", "--", "\xff"}, 2, []string{`argument $'\377': not UTF-8`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScript(t, test.cluster, test.args...)
			s.run(test.code)
			for _, text := range test.says {
				s.says(text)
			}
		})
	}
}

// TestLogWithoutLastLineIsAFailure checks that a log without tracer's last line is an error.
func TestLogWithoutLastLineIsAFailure(t *testing.T) {
	t.Parallel()
	n := good("a")
	n.Last = nil
	s := newScript(t, cluster{Nodes: []node{n}}, "--node=a")
	s.starts()
	s.signal(syscall.SIGINT)
	s.ends(1)
	s.says("node a: the log lacks tracer's last line")
}

// TestFullDiskIsAFailure checks that a log file which cannot be written is an error.
func TestFullDiskIsAFailure(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	if err := os.Symlink("/dev/full", filepath.Join(out, "a.log")); err != nil {
		t.Fatal(err)
	}
	s := newScript(t, cluster{Nodes: []node{ended("a", 0, row)}}, "--node=a", "--output", out)
	s.run(1)
	s.says("a.log can't be written")
}

// TestGivenNamespaceStays checks that an existing namespace is not deleted, and that kubectl gets the global options.
func TestGivenNamespaceStays(t *testing.T) {
	t.Parallel()
	s := newScript(t, cluster{Nodes: []node{ended("a", 0)}}, "--node=a", "--namespace=mine", "--context=c", "--kubeconfig=/k")
	s.run(0)
	if m := s.manifest(); len(m.Namespaces) != 0 || m.Pods[0].Metadata.Namespace != "mine" {
		t.Errorf("%+v", m)
	}
	for _, call := range s.lines("calls") {
		if !strings.HasPrefix(call, "--context=c --kubeconfig=/k ") || strings.Contains(call, "delete namespace") {
			t.Errorf("kubectl %s", call)
		}
	}
}

// TestHelp checks that --help prints the usage to stdout.
func TestHelp(t *testing.T) {
	t.Parallel()
	s := newScript(t, cluster{}, "--help")
	s.run(0)
	if !strings.HasPrefix(s.stdout.String(), "Usage: tracer-on-k8s") || s.stderr.Len() != 0 {
		t.Errorf("stdout %q, stderr %q", &s.stdout, &s.stderr)
	}
}
