// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"tracer/internal/ktest"
)

// check is an object that `tracer doctor --json` prints.
type check struct {
	Group  string `json:"group"`
	Name   string `json:"check"`
	State  string `json:"state"`
	Found  string `json:"found"`
	Cost   string `json:"cost"`
	Remedy string `json:"remedy"`
}

// examine runs tracer doctor, checks its exit code and returns its output.
func examine(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	tracer := binary(t)
	ktest.NoLeaks(t)
	var out, errs bytes.Buffer
	cmd := exec.Command(tracer, append([]string{"doctor"}, args...)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("exit code %d, want %d: %s", got, code, errs.String())
	}
	return out.String(), errs.String()
}

// checks returns the results of tracer doctor by name.
func checks(t *testing.T, code int) map[string]check {
	t.Helper()
	out, _ := examine(t, code, "--json")
	byName := map[string]check{}
	for line := range strings.Lines(out) {
		var c check
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if (c.State == "ok") != (c.Cost == "") || (c.State == "ok") != (c.Remedy == "") {
			t.Errorf("%+v: want a cost and a remedy exactly if the state is not ok", c)
		}
		byName[c.Name] = c
	}
	return byName
}

// TestDoctor checks that the doctor's report on each backend agrees with a run of that backend.
func TestDoctor(t *testing.T) {
	text, errs := examine(t, 0)
	t.Logf("tracer doctor:\n%s", text)
	if errs != "" {
		t.Errorf("stderr: %s", errs)
	}
	found := checks(t, 0)
	for _, backend := range []string{kprobeMulti, kprobe, tracepoint} {
		t.Run(backend, func(t *testing.T) { agrees(t, found[backend], backend) })
	}
	if want := "by " + chosen() + ": "; !strings.HasPrefix(found["tracing"].Found, want) {
		t.Errorf("the verdict is %q, want %q", found["tracing"].Found, want)
	}
	if direct := described("bpf_rdonly_cast"); (found["cheap reading"].State == "ok") != (len(direct) > 0) {
		t.Errorf("%+v, where types describe %q", found["cheap reading"], direct)
	}
	checkCauses(t, found["causes"])
}

var tellsCauses = regexp.MustCompile(`^(\d+) of (\d+) causes of drops can be told(?:, with probes of calls by (\S+?))?(?:;|$)`)

// checkCauses checks that the causes of drops that need calls are counted exactly if functions can be probed. Those whose
// values come with the drop are known on every kernel.
func checkCauses(t *testing.T, said check) {
	t.Helper()
	m := tellsCauses.FindStringSubmatch(said.Found)
	if m == nil {
		t.Fatalf("causes: %+v", said)
	}
	told, _ := strconv.Atoi(m[1])
	all, _ := strconv.Atoi(m[2])
	by := chosen()
	if by == tracepoint {
		by = ""
	}
	lacksCalls := strings.Contains(said.Cost, "need values of calls")
	if m[3] != by || lacksCalls != (by == "") || told == 0 || told > all {
		t.Errorf("causes: %+v, where the backend is %s", said, chosen())
	}
}

var attachesTo = regexp.MustCompile(`^attaches to (?:(\d+) functions? and )?(\d+) tracepoints?$`)

// agrees checks that the backend attaches if the doctor says so, and otherwise fails with the same reason.
func agrees(t *testing.T, said check, backend string) {
	runs := slices.Contains(backends(), backend)
	if (said.State == "ok") != runs {
		t.Fatalf("%+v, and it runs: %v", said, runs)
	}
	if !runs {
		p := command{args: []string{"--backend", backend}}.start(t)
		p.ends(startLimit, 1)
		p.notes(t, "does not run here: "+said.Found)
		return
	}
	numbers := attachesTo.FindStringSubmatch(said.Found)
	if numbers == nil {
		t.Fatalf("%q does not say to how many it attaches", said.Found)
	}
	planned := dryRun(t, "--backend", backend)
	for i, what := range []string{"functions", "tracepoints"} {
		want := fmt.Sprintf("\n%-12s %s\n", what, numbers[i+1])
		if numbers[i+1] != "" && !strings.Contains(planned, want) {
			t.Errorf("%q, and the plan has no %q: %s", said.Found, want, planned)
		}
	}
	tracesPing(t, start(t, "--backend", backend, "--filter-func", pingFunctions(backend), "icmp"), backend)
}

func dryRun(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(binary(t), append([]string{"--dry-run"}, args...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestDoctorWithoutPrivileges checks that an unprivileged user sees which capabilities are missing.
func TestDoctorWithoutPrivileges(t *testing.T) {
	cmd := exec.Command(binary(t), "doctor")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, _ := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, row := range []string{"\n  x CAP_BPF  ", "\n  x CAP_PERFMON  ", "\n  ! CAP_SYSLOG  ", "\n  x tracing  ", "fix:  run as root, or `setcap cap_bpf+ep tracer`"} {
		if !strings.Contains(string(out), row) {
			t.Errorf("no %q in:\n%s", row, out)
		}
	}
}

// TestDoctorLockedDown checks that on a locked-down kernel no backend runs, and lockdown is named as the reason.
func TestDoctorLockedDown(t *testing.T) {
	needDedicatedMachine(t)
	found := checks(t, 1)
	for _, name := range []string{"lockdown", kprobeMulti, kprobe, tracepoint, "tracing"} {
		if found[name].State != "missing" {
			t.Errorf("%+v, want it to be missing", found[name])
		}
	}
	for _, name := range []string{kprobe, tracepoint} {
		if !strings.Contains(found[name].Found, "lockdown=confidentiality") {
			t.Errorf("%+v does not name lockdown", found[name])
		}
	}
	if want := "boot without lockdown=confidentiality"; !strings.Contains(found["lockdown"].Remedy, want) {
		t.Errorf("%+v, want %q", found["lockdown"], want)
	}
}
