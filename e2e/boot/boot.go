// SPDX-License-Identifier: Apache-2.0

// Package boot is what the host of a virtual machine and the first process in it
// have to agree on: where files lie, what is to be run, and how the end is told.
package boot

// Where things lie in the guest.
const (
	// Root holds everything that the host put into the initramfs.
	Root = "/vm"
	// Order is the file with the [Task] in JSON.
	Order = Root + "/task.json"
	// Modules is the folder of kernel modules, each as NAME.ko.
	Modules = Root + "/modules"
	// Results is the folder that the host gets back when the command has ended.
	Results = Root + "/results"
	// Port is the name of the virtio-serial port that carries Results as tar, OutputPort of
	// the one that carries what the command says, as it says it.
	Port       = "results"
	OutputPort = "output"
)

// What the first process writes to the console, each at the start of a line.
const (
	// Started stands before the command is run.
	Started = "@@started"
	// Exited is followed by a blank and the command's exit code.
	Exited = "@@exited"
)

// Task is what the first process does once the file systems are there.
type Task struct {
	// Modules are loaded in this order, by name.
	Modules []string
	// Command is the program and its arguments, Env its whole environment.
	Command []string
	Env     []string
}
