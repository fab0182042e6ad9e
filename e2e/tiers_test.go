// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"slices"
	"strings"
)

// The tiers of the tests in virtual machines. `make test` runs the quick tier: the essentials on
// each kernel of amd64 and arm64, and on the broad machines all but the long tests.
// `make test-all` runs every test on every machine that the tables assign it to.

// essentials are the tests that run on every kernel in the quick tier: each backend attaches and filters, rows are
// correct as text and JSON, drops have reasons, the numbers of lost events add up, errors name what is missing. Each
// test also checks that tracer leaves no BPF objects or probes in the kernel.
var essentials = []string{
	"TestBackend", "TestBackendIsChosen", "TestForcedBackendError", "TestBackendsMatchMachine",
	"TestPingInText", "TestColumnsInJSON", "TestReplayEqualsLive", "TestDropsOnly", "TestNothingIsLost", "TestOverflow", "TestNotRoot",
	"TestTraceableFunctionsAgreeWithFtrace", "TestExpression", "TestDump", "TestStack", "TestFdinfoIsReadable",
}

// long are the tests that broad machines do not run in the quick tier: they take more than ten seconds there, or measure
// durations.
var long = []string{
	"TestByStackExcludesQueuedData", "TestByStackSoak", "TestDuration", "TestFilterLong", "TestFilterNetns", "TestNonSkbFunctionAttribution",
	"TestIdleUsesNoCPU", "TestInterruptAtStart", "TestKilledAtAnyMoment", "TestMinimumMemory", "TestLookupsWithReturns", "TestMapOperations", "TestNftRule", "TestNftRuleAtRandom",
	"TestNftRuleOfLaterModule", "TestNftRuleAgreesWithTrace", "TestLegacyRule", "TestLegacyRulesAtOnce", "TestEbtablesRule",
	"TestReturnsAgreeWithFunctionGraph", "TestRotation", "TestSoak", "TestTenTracers", "TestXDP", "TestGenericXDP", "TestWhyBlind",
}

// quickMachines returns the machines of amd64 and arm64, each with its tests in the quick tier.
func quickMachines() []machine {
	var list []machine
	for _, m := range machines {
		if m.tests != "" {
			continue
		}
		m.quick, m.turn = true, 0
		m.cpus = 1 // with several emulated CPUs, code patching is slow, and occasionally panics
		if !m.broad {
			m.tests = "^(" + strings.Join(essentials, "|") + ")$"
		}
		list = append(list, m)
	}
	return list
}

// isLong reports whether the machine takes much longer than others.
func (m machine) isLong() bool {
	if m.quick {
		return m.broad
	}
	return m.thorough
}

// without returns the elements of list that are not in other.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(name string) bool { return slices.Contains(other, name) })
}
