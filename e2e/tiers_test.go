// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"slices"
	"strings"
)

// The tiers of the tests in virtual machines. `make test` runs the quick tier: the essentials on
// each kernel of amd64 and arm64, and on the broad machines all but the long tests.
// `make test-all` runs every test on every machine that it is for.

// essentials are the tests that every kernel has to pass in the quick tier: each backend
// attaches and filters, rows are right as text and as JSON, drops have their reasons, losses
// add up, errors name what is missing. At its end each test checks that nothing was left
// in the kernel.
var essentials = []string{
	"TestBackend", "TestBackendIsChosen", "TestForcedBackendThatCannotRunSaysWhy", "TestBackendsAreThoseThatTheKernelSeemsToHave",
	"TestPingInText", "TestColumnsInJSON", "TestDropsOnly", "TestNothingIsLost", "TestOverflow", "TestNotRoot",
	"TestFunctionsAreThoseOfFtrace", "TestExpression", "TestDump", "TestStack", "TestDescriptorsCanBeLookedAt",
}

// long are the tests that the quick tier leaves out on the broad machines: they take more than
// ten seconds there, or measure time itself.
var long = []string{
	"TestByStackOfAStranger", "TestByStackSoak", "TestDuration", "TestFilterLong", "TestFilterNetns", "TestFunctionsWithoutSkbRunForAPacket",
	"TestIdleUsesNoCPU", "TestInterruptAtStart", "TestKilledAtAnyMoment", "TestLeastMemory", "TestLookupsBesideReturns", "TestMapsForAPacket",
	"TestReturnsAreThoseOfTheFunctionGraph", "TestRotation", "TestSoak", "TestTenTracers", "TestXDP", "TestXDPInTheStack",
}

// quickMachines are the kernels of amd64 and arm64, with the tests that the quick tier has for
// each.
func quickMachines() []machine {
	var list []machine
	for _, m := range machines {
		if m.tests != "" {
			continue
		}
		m.quick, m.turn = true, 0
		m.cpus = 1 // emulated CPUs that patch code for each other take long, and panic now and then
		if !m.broad {
			m.tests = "^(" + strings.Join(essentials, "|") + ")$"
		}
		list = append(list, m)
	}
	return list
}

// isLong says that the machine takes much longer than others.
func (m machine) isLong() bool {
	if m.quick {
		return m.broad
	}
	return m.thorough
}

// without is the list less what the other has.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(name string) bool { return slices.Contains(other, name) })
}
