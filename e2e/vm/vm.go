// SPDX-License-Identifier: Apache-2.0

// Package vm runs one command as root on a real kernel, in a virtual machine
// that QEMU emulates: no hardware virtualisation, no network, no disk.
package vm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Config describes a machine and the command that it runs.
type Config struct {
	Kernel *Kernel
	// Init is the init process, a static program for the kernel's architecture.
	Init string
	// Files are copied into the guest as executables: guest path to host path.
	Files map[string]string
	// Modules are loaded before the command runs, with their dependencies.
	Modules []string
	// Command is the program and its arguments, Env its whole environment.
	Command []string
	Env     []string
	// Results is the folder for the guest's results, the console (console.log), and the output of
	// the command (output.log), which is written while the command runs.
	Results string
	// CPUs defaults to 1.
	CPUs int
	// Counting derives the guest's clock from the number of executed instructions, 2 ns each (QEMU -icount), so
	// that measurements do not depend on the load of the host. The guest then has one CPU, and is two to three
	// times slower. While it is idle, its clock jumps to the next timer.
	Counting bool
	// Args are added to the kernel's command line.
	Args string
}

// Result is the result of a machine whose command has ended.
type Result struct {
	// Code is the command's exit code.
	Code int
	// Boot is the time from power-on to the start of the command, Run the duration of the command.
	Boot, Run time.Duration
}

// DiedError is the error of a machine that ended before its command, because of a kernel panic, a crash of the emulator,
// or a timeout. The result of the command is unknown.
type DiedError struct {
	Kernel string
	// Log is the file with the text of the machine's console.
	Log string
	// Last is the end of that text.
	Last string
	// Cause is the error of QEMU or the context, nil if QEMU exited normally.
	Cause error
}

func (e *DiedError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("virtual machine %s died: %v; console in %s ends with: %s", e.Kernel, e.Cause, e.Log, e.Last)
	}
	return fmt.Sprintf("virtual machine %s died; console in %s ends with: %s", e.Kernel, e.Log, e.Last)
}

func (e *DiedError) Unwrap() error { return e.Cause }

// Run boots the machine and waits for its end. A machine that dies is booted a second time; the
// consoles of both attempts are kept.
func Run(ctx context.Context, c Config) (*Result, error) {
	r, err := c.boot(ctx, "console.log")
	var died *DiedError
	if errors.As(err, &died) && ctx.Err() == nil {
		r, err = c.boot(ctx, "console-2.log")
	}
	return r, err
}

func (c *Config) cpus() int {
	if c.CPUs == 0 {
		return 1
	}
	return c.CPUs
}

// boot runs the machine once. It writes the console to the file log in the results folder.
func (c *Config) boot(ctx context.Context, log string) (*Result, error) {
	folder, err := os.MkdirTemp("", "tracer-vm")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	f, err := c.prepare(folder)
	if err != nil {
		return nil, err
	}
	cmd, err := c.qemu(f)
	if err != nil {
		return nil, err
	}
	screen, cause := watch(ctx, cmd)
	if screen == nil {
		return nil, cause
	}
	return c.finish(screen, cause, filepath.Join(c.Results, log), f.results)
}

// prepare writes the initramfs and returns the paths of all files.
func (c *Config) prepare(folder string) (files, error) {
	f := files{
		initrd:  filepath.Join(folder, "initrd"),
		results: filepath.Join(folder, "results.tar"),
		output:  filepath.Join(c.Results, "output.log"),
	}
	err := os.MkdirAll(c.Results, 0o755)
	if err != nil {
		return f, err
	}
	if f.kernel, err = c.Kernel.image(); err != nil {
		return f, err
	}
	data, err := c.initramfs()
	if err != nil {
		return f, err
	}
	return f, os.WriteFile(f.initrd, data, 0o644)
}

// watch runs QEMU and reads the console. It kills QEMU when the context is done. The returned console is nil if QEMU
// could not be started.
func watch(ctx context.Context, cmd *exec.Cmd) (*console, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	defer stop()
	screen := readConsole(out)
	return screen, errors.Join(cmd.Wait(), ctx.Err())
}

// finish writes the console and the results. It returns a DiedError if the machine ended before the command.
func (c *Config) finish(s *console, cause error, log, results string) (*Result, error) {
	if err := os.WriteFile(log, []byte(s.text), 0o644); err != nil {
		return nil, err
	}
	if !s.exited {
		return nil, &DiedError{Kernel: c.Kernel.Release, Log: log, Last: tail(s.text), Cause: cause}
	}
	if err := extractResults(results, c.Results); err != nil {
		return nil, err
	}
	return &Result{Code: s.code, Boot: s.start, Run: s.exit - s.start}, nil
}

// tail returns the end of a text, for an error message.
func tail(s string) string {
	const enough = 400
	return s[max(0, len(s)-enough):]
}
