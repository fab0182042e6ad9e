// SPDX-License-Identifier: Apache-2.0

// Package guest runs the tracer as its user does and looks at what it says of
// packets that are really sent. Its tests run as root, on the kernel that they
// are started on: in a virtual machine (see package e2e) or on this machine.
//
// The environment says what is tested: TRACER is the binary (by default ./tracer
// at the root of the repository), BACKENDS the ones that have to run, best first
// (by default what this kernel seems to have), RESULTS a folder for figures,
// MODULES the folder of kernel modules, and SOAK how long TestSoak is to send, such
// as 1h. BACKENDS also says that the machine is there for the tests alone, so that
// its settings may be changed.
package guest
