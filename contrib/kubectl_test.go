// SPDX-License-Identifier: Apache-2.0

package contrib_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// inCluster is the environment variable for the folder with the state of the fake cluster.
const inCluster = "TRACER_TEST_CLUSTER"

// TestMain makes this test binary a fake kubectl or tracer if it is started by that name.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "kubectl":
		os.Exit(kubectl(os.Getenv(inCluster), os.Args[1:]))
	case "tracer":
		os.Exit(tracer(os.Getenv(asTracer), os.Args[1:]))
	}
	os.Exit(m.Run())
}

// cluster is a fake Kubernetes cluster.
type cluster struct {
	Nodes []node
	// Refusal is the error with which the cluster refuses pods, empty if it accepts them.
	Refusal string
}

// node is a node, with the behaviour of a pod on it.
type node struct {
	Name string
	// Waiting is the reason for which the pod never starts, if any.
	Waiting string
	// Log are the lines before the pod is deleted, Last those after.
	Log, Last []string
	// Ends is the exit code if tracer exits before the pod is deleted.
	Ends *int
	// Hangs is true if tracer still runs after the pod was deleted, so that the log does not end.
	Hangs bool
}

var errUsage = errors.New("kubectl called with unexpected arguments")

func kubectl(dir string, args []string) int {
	c, call := readCluster(dir), parseCall(args)
	record(dir, "calls", strings.Join(args, " "))
	err := c.answer(dir, call)
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error from server:", err)
		return 1
	}
	return 0
}

func readCluster(dir string) (c cluster) {
	b, err := os.ReadFile(filepath.Join(dir, "cluster"))
	if err != nil {
		panic(err)
	}
	if err := json.Unmarshal(b, &c); err != nil {
		panic(err)
	}
	return c
}

// call is a command line of kubectl.
type call struct {
	words []string
	flags map[string]string
}

// switches are the flags without a value.
var switches = []string{"--follow", "--ignore-not-found"}

func parseCall(args []string) call {
	c := call{flags: map[string]string{}}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		name, value, joined := strings.Cut(arg, "=")
		switch {
		case arg == "--":
			c.words, args = append(c.words, args...), nil
		case !strings.HasPrefix(arg, "-"):
			c.words = append(c.words, arg)
		case joined || slices.Contains(switches, arg):
			c.flags[name] = value
		default:
			c.flags[name], args = args[0], args[1:]
		}
	}
	return c
}

// is reports whether the call begins with these words.
func (c call) is(words ...string) bool {
	return len(c.words) >= len(words) && slices.Equal(c.words[:len(words)], words)
}

func (c cluster) answer(dir string, k call) error {
	switch {
	case k.is("get", "nodes"), k.is("get", "node"):
		return c.listNodes(k)
	case k.is("create"):
		return c.create(dir)
	}
	pods, err := podsOf(dir, k.flags["--namespace"])
	if err != nil {
		return err
	}
	switch {
	case k.is("get", "pods"):
		return c.listPods(pods, k)
	case k.is("get", "pod"):
		return c.exitCode(pods, k)
	case k.is("logs"):
		return c.log(dir, pods, k)
	case k.is("describe", "pod"):
		fmt.Println("Events: of", k.words[2])
	case k.is("delete", "pods"):
		return deletePods(dir, pods, k)
	case k.is("delete", "namespace"):
		record(dir, "removed", k.words[2])
	default:
		return errUsage
	}
	return nil
}

func (c cluster) listNodes(k call) error {
	if k.flags["--output"] != "name" {
		return errUsage
	}
	var names []string
	for _, n := range c.Nodes {
		names = append(names, n.Name)
	}
	if k.is("get", "node") {
		for _, name := range k.words[2:] {
			if !slices.Contains(names, name) {
				return fmt.Errorf("nodes %q not found", name)
			}
		}
		names = k.words[2:]
	}
	for _, name := range names {
		fmt.Println("node/" + name)
	}
	return nil
}

func (c cluster) create(dir string) error {
	manifest, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "manifest"), manifest, 0o644); err != nil {
		return err
	}
	if c.Refusal != "" {
		return errors.New(c.Refusal)
	}
	return nil
}

func (c cluster) listPods(pods []pod, k call) error {
	for _, p := range pods {
		if !p.has(k.flags["--selector"]) {
			continue
		}
		n, phase := c.node(p), "Running"
		if n.Waiting != "" {
			phase = "Pending"
		} else if n.Ends != nil {
			phase = "Succeeded"
		}
		fmt.Println(p.Metadata.Name, phase, n.Waiting)
	}
	return nil
}

func (c cluster) exitCode(pods []pod, k call) error {
	n := c.node(named(pods, k.words[2]))
	if n.Ends != nil {
		fmt.Print(*n.Ends)
	}
	return nil
}

// log prints the log until tracer ends, like kubectl logs --follow.
func (c cluster) log(dir string, pods []pod, k call) error {
	if _, ok := k.flags["--follow"]; !ok || k.flags["--container"] != "tracer" {
		return errUsage
	}
	n := c.node(named(pods, k.words[1]))
	if err := printLines(n.Log); err != nil || n.Ends != nil {
		return err
	}
	for !exists(filepath.Join(dir, "deleted")) || n.Hangs {
		time.Sleep(10 * time.Millisecond)
	}
	return printLines(n.Last)
}

func printLines(lines []string) error {
	for _, line := range lines {
		if _, err := fmt.Println(line); err != nil {
			return err
		}
	}
	return nil
}

func (c cluster) node(p pod) node {
	for _, n := range c.Nodes {
		if n.Name == p.Spec.NodeName {
			return n
		}
	}
	panic("no node " + p.Spec.NodeName)
}

func deletePods(dir string, pods []pod, k call) error {
	for _, p := range pods {
		if p.has(k.flags["--selector"]) {
			record(dir, "removed", p.Metadata.Name)
		}
	}
	record(dir, "deleted", "")
	return nil
}

func record(dir, file, line string) {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	fmt.Fprintln(f, line)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
