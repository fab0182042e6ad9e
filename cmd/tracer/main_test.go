// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain provides the programs that the scripts in testdata run: tracer itself, `nobody PROGRAM ARGUMENTS`, which
// runs a program without privileges, traffic, and typist.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tracer": main, "nobody": nobody, "traffic": traffic, "typist": typist})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition:           condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
		},
	})
}

func condition(name string) (bool, error) {
	if name == "root" {
		return os.Geteuid() == 0, nil
	}
	return false, fmt.Errorf("condition %q is not known", name)
}

// exits implements `exits CODE PROGRAM ARGUMENTS`: the program must exit with the code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGUMENT...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitCode(ts, ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func exitCode(ts *testscript.TestScript, err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &exit):
		ts.Fatalf("%v", err)
	}
	return exit.ExitCode()
}

const nobodysID = 65534

// nobody runs the program in its arguments without privileges. It opens the program before it drops them, since the
// directory may then be unreadable.
func nobody() {
	program, err := openProgram(os.Args[1])
	if err == nil {
		err = errors.Join(dropPrivileges(), syscall.Exec(program, os.Args[1:], os.Environ()))
	}
	fmt.Fprintln(os.Stderr, "nobody:", err)
	os.Exit(99)
}

func openProgram(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", err
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY, 0)
	return fmt.Sprintf("/proc/self/fd/%d", fd), err
}

func dropPrivileges() error {
	if os.Geteuid() != 0 {
		return nil
	}
	return errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobodysID), syscall.Setuid(nobodysID))
}

// traffic sends UDP packets over loopback to a closed port, until the script kills it, or for at most 10 minutes.
func traffic() {
	conn, err := net.Dial("udp", "127.0.0.1:9")
	if err != nil {
		fmt.Fprintln(os.Stderr, "traffic:", err)
		os.Exit(99)
	}
	for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		_, _ = conn.Write([]byte("x")) // it may return the ICMP error for the packet before
	}
}
