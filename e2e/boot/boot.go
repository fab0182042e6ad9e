// SPDX-License-Identifier: Apache-2.0

// Package boot defines the interface between the host of a virtual machine and its init process:
// paths, the task, and the markers on the console.
package boot

// Paths and ports in the guest.
const (
	// Root is the folder for all files that the host puts into the initramfs.
	Root = "/vm"
	// TaskFile is the file with the [Task] in JSON.
	TaskFile = Root + "/task.json"
	// Modules is the folder of kernel modules, each as NAME.ko.
	Modules = Root + "/modules"
	// Results is the folder that is sent to the host when the command has ended.
	Results = Root + "/results"
	// ResultsPort is the name of the virtio-serial port that carries Results as a tar archive. OutputPort carries
	// the output of the command while it runs.
	ResultsPort = "results"
	OutputPort  = "output"
)

// Markers that init writes to the console, each at the start of a line.
const (
	// Started is written before the command is started.
	Started = "@@started"
	// Exited is followed by a blank and the command's exit code.
	Exited = "@@exited"
)

// Task is what init does once the file systems are mounted.
type Task struct {
	// Modules are loaded in this order, by name.
	Modules []string
	// Command is the program and its arguments, Env its whole environment.
	Command []string
	Env     []string
}
