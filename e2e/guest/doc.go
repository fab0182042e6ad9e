// SPDX-License-Identifier: Apache-2.0

// Package guest runs the tracer command like a user, sends real packets, and checks its output. The tests
// run as root on the running kernel, in a virtual machine (see package e2e) or on any machine.
//
// Environment variables: TRACER is the binary (by default the tests build one with `go build`),
// BACKENDS the list of backends that must run, best first (by default those that the kernel
// seems to support), RESULTS a folder for results, MODULES the folder of kernel modules, and SOAK
// the duration of TestSoak, such as 1h. If RESULTS is set, the machine is used only for the tests,
// and they may change its settings.
package guest
