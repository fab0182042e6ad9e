// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// asChild in the environment makes this test binary a process that waits for signals.
const asChild = "TRACER_TEST_SIGNALS"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) != "" {
		child()
	}
	os.Exit(m.Run())
}

func child() {
	ctx, stop := interruptible()
	io.WriteString(os.Stdout, "waiting\n")
	<-ctx.Done()
	io.WriteString(os.Stdout, "cancelled\n")
	stop()
	os.Exit(exitDone)
}

// startChild waits until the child handles signals.
func startChild(t *testing.T) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), asChild+"=1")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() }) // it has already ended if the test passed
	lines := bufio.NewReader(out)
	expectLine(t, lines, "waiting\n")
	return c, lines
}

func expectLine(t *testing.T, lines *bufio.Reader, want string) {
	t.Helper()
	if got, err := lines.ReadString('\n'); got != want {
		t.Fatalf("the child prints %q (%v), want %q", got, err, want)
	}
}

func send(t *testing.T, c *exec.Cmd, s os.Signal) {
	t.Helper()
	if err := c.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func exitOf(c *exec.Cmd) int {
	var exit *exec.ExitError
	if err := c.Wait(); errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return c.ProcessState.ExitCode()
}

func TestFirstSignalCancels(t *testing.T) {
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		c, lines := startChild(t)
		send(t, c, s)
		expectLine(t, lines, "cancelled\n")
		if code := exitOf(c); code != exitDone {
			t.Errorf("%v: exit %d, want %d", s, code, exitDone)
		}
	}
}

// TestNohup checks that SIGHUP stays ignored if it was at the start.
func TestNohup(t *testing.T) {
	signal.Ignore(syscall.SIGHUP) // children inherit this
	defer signal.Reset(syscall.SIGHUP)
	c, lines := startChild(t)
	said := make(chan string, 1)
	go func() {
		line, _ := lines.ReadString('\n') // at EOF there is no line
		said <- line
	}()
	send(t, c, syscall.SIGHUP)
	select {
	case line := <-said:
		t.Fatalf("the child prints %q after SIGHUP", line)
	case <-time.After(unheard):
	}
	send(t, c, syscall.SIGTERM)
	if line := <-said; line != "cancelled\n" {
		t.Errorf("the child prints %q after SIGTERM", line)
	}
	exitOf(c)
}

// unheard is the time after which a signal counts as ignored.
const unheard = 200 * time.Millisecond

// TestSecondSignal checks that a signal soon after the first does nothing, since timeout(1) signals a
// process and then its group, and that a later one ends the process. It runs with a fake clock.
func TestSecondSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		signals, done := make(chan os.Signal), make(chan struct{})
		var cancelled, ended int
		go watch(signals, done, func() { cancelled++ }, func() { ended++ })
		for _, step := range []struct {
			wait             time.Duration
			cancelled, ended int
		}{{0, 1, 0}, {twice, 1, 0}, {1, 1, 1}} {
			time.Sleep(step.wait)
			signals <- syscall.SIGINT
			synctest.Wait()
			if cancelled != step.cancelled || ended != step.ended {
				t.Errorf("after another %v: cancelled %d times and ended %d times, want %d and %d", step.wait, cancelled, ended, step.cancelled, step.ended)
			}
		}
		close(done)
	})
}

// TestMainIgnoresSIGPIPE checks that a closed standard output does not kill the process. SIGPIPE is raised only for the
// descriptors 1 and 2.
func TestMainIgnoresSIGPIPE(t *testing.T) {
	signal.Reset(syscall.SIGPIPE)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var stderr bytes.Buffer
	if code := Main([]string{"version"}, w, &stderr); code != exitDone || stderr.Len() > 0 {
		t.Errorf("exit %d, stderr %q", code, &stderr)
	}
	if !signal.Ignored(syscall.SIGPIPE) {
		t.Error("SIGPIPE is not ignored")
	}
}
