// SPDX-License-Identifier: Apache-2.0

// Package guest runs the tracer command like a user, sends real packets, and checks its output. The tests
// run as root on the running kernel, in a virtual machine (see package e2e) or on any machine.
//
// Environment variables: TRACER is the binary (by default the tests build one with `go build`),
// BACKENDS the list of backends that must run, best first (by default those that the kernel
// seems to support), RESULTS a folder for results, MODULES the folder of kernel modules, SOAK
// the duration of TestSoak, such as 1h, KILLS the number of kills of TestKilledAtAnyMoment, PACKETS the number of
// packets of TestNftRuleAgreesWithTrace, and SEED the seed of TestWhyBlind.
// If RESULTS is set, the machine is used only for the tests, and they may change its settings.
// BRIEF tests only the best function backend where all behave the same, and QUICK is set in the
// quick tier.
package guest
