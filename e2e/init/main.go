// SPDX-License-Identifier: Apache-2.0

// Command init is the init process of a test machine: it mounts the usual file
// systems, loads modules, runs the command of its task, sends the results to
// the host and switches the machine off.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"tracer/e2e/boot"
)

func main() {
	if os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "init: runs only as process 1 of a virtual machine")
		os.Exit(1)
	}
	code, err := work()
	if err != nil {
		fmt.Println("init:", err)
	}
	if err := sendResults(); err != nil {
		fmt.Println("init: results:", err)
		code = max(code, 1)
	}
	fmt.Printf("\n%s %d\n", boot.Exited, code)
	reboot()
}

// work carries out the task and returns the command's exit code.
func work() (int, error) {
	if err := errors.Join(mountAll(), raiseLoopback()); err != nil {
		return 1, err
	}
	task, err := readTask()
	if err != nil {
		return 1, err
	}
	if err := loadAll(task.Modules); err != nil {
		return 1, err
	}
	fmt.Printf("\n%s\n", boot.Started)
	return run(task)
}

func readTask() (*boot.Task, error) {
	b, err := os.ReadFile(boot.TaskFile)
	if err != nil {
		return nil, err
	}
	task := new(boot.Task)
	return task, json.Unmarshal(b, task)
}

// run starts the command and waits for it. The output goes to a virtio-serial port, since the console is slow, and so
// that the host has the output even if the machine crashes.
func run(task *boot.Task) (int, error) {
	log, err := openPort(boot.OutputPort)
	if err != nil {
		return 1, err
	}
	defer log.Close()
	cmd := exec.Command(task.Command[0], task.Command[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = "/", task.Env, log, log
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}

// reboot ends the machine by a reboot, since power-off needs ACPI on amd64. QEMU exits on reboot (-no-reboot).
func reboot() {
	unix.Sync()
	unix.Reboot(unix.LINUX_REBOOT_CMD_RESTART)
}
