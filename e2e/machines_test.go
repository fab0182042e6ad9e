// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// machine is a kernel that has to pass, and what it is known to have. A backend
// that is listed here and does not run is a failure.
type machine struct {
	series, arch string
	backends     string
	// cpus is 1 where nothing else is said: with more, each single kprobe takes
	// several times as long, as all of them have to be brought to a halt for it.
	cpus int
	// kernelArgs are added to the kernel's command line, variant names them.
	kernelArgs, variant string
	// tests selects among the guest's tests, as go test -run does; empty is all.
	tests string
	// thorough has the tests too that are the same on every kernel, and those of each
	// backend with all of them.
	thorough bool
	// broad has the quick tier run all but the longest tests on this machine, and not the
	// essentials alone.
	broad bool
	// quick says that the run is of the quick tier.
	quick bool
	// turn is which of the tests in turns such a machine has whose kernel is much like
	// another's: 0 is all of them, 1 and 2 are those at even and at odd places.
	turn int
}

const (
	all      = "kprobe-multi,kprobe,tracepoint"
	noFprobe = "kprobe,tracepoint"
)

var machines = []machine{
	{series: "5.10", arch: "amd64", backends: noFprobe},
	{series: "5.10", arch: "arm64", backends: noFprobe, thorough: true},
	{series: "6.1", arch: "amd64", backends: noFprobe}, // new enough, but configured without
	{series: "6.1", arch: "arm64", backends: noFprobe, turn: 1},
	{series: "6.12", arch: "amd64", backends: all, cpus: 2, thorough: true, broad: true},
	{series: "6.12", arch: "arm64", backends: noFprobe, turn: 2},
	{series: "6.18", arch: "amd64", backends: all, turn: 1},
	{series: "6.18", arch: "arm64", backends: all, turn: 2, broad: true},
	{series: "7", arch: "amd64", backends: all, turn: 2},
	{series: "7", arch: "arm64", backends: all, turn: 1},
	{series: "6.12", arch: "ppc64le", backends: all, tests: elsewhere + withStack},
	{series: "6.12", arch: "riscv64", backends: noFprobe, tests: elsewhere},
	{series: "6.12", arch: "s390x", backends: "kprobe-multi,tracepoint", tests: elsewhere + withStack}, // big-endian
	{series: "6.12", arch: "amd64", kernelArgs: "lockdown=confidentiality", variant: "-lockdown", tests: lockedDown},
}

// lockedDown are the tests that need a kernel which is locked down, and the only
// ones that pass there.
const lockedDown = "^(TestLockedDown|TestDoctorLockedDown)$"

// elsewhere are the tests on the architectures that tracer is not for in the first place,
// whose machines are slow: of a packet's way and its drop by each backend, as text and as
// JSON, and of all that depends on registers and the order of bytes; and of stacks, but on
// riscv64, where the kernel's own function tracer writes none down to compare with.
const (
	elsewhere = "^(TestBackend|TestPingInText|TestHandshake|TestColumnsInJSON|TestDropsOnly|TestExpression|TestDump)$"
	withStack = "|^TestStack$"
)

// sameEverywhere are the tests of what tracer does with events once it has them: forms
// of output, files, limits, signals, messages; and of the many ways to say what is wanted.
// The kernel has no part in it (what filters compare, other tests read on each), so that
// those machines run them which are thorough; all other tests are for every kernel.
var sameEverywhere = []string{
	"TestAttribute", "TestByStackNeedsFunctions", "TestColorOnATerminal", "TestColumns", "TestColumnsInJSON",
	"TestDuration", "TestEvicted", "TestFirstWords", "TestFaultsOfJourneys", "TestFileCapabilities", "TestFilterArithmetic", "TestFilterIfname", "TestFilterLength", "TestFilterMark",
	"TestFilterNetns", "TestFilterTCPFlags", "TestFullDisk", "TestFunctionsWithoutSkbAreNamed", "TestInterruptAtStart",
	"TestHandshake", "TestInterruptTwice", "TestKernelPointersRestricted", "TestLimitOfLines", "TestMapsInText", "TestMaxEventsPerPacket",
	"TestMaxEventsPerSecond", "TestMaxPackets", "TestMergedPartOfTwoPackets", "TestNoFilter", "TestNoHelpersIsAnError", "TestNoTracefs",
	"TestOptionalCapabilitiesAreNotedToBeLacking", "TestOtherPlaces", "TestPlaceElsewhere",
	"TestOutputFile", "TestPartOfTwoPackets", "TestPicture", "TestPingInText", "TestPlaceOfOurOwn", "TestPlaceThatIsNotThere", "TestPreset",
	"TestReaderGoesAway", "TestRequiredCapabilityIsNamed", "TestReturnsNeedFunctions", "TestRotation",
	"TestRotationInTheFolderOfAnother", "TestRotationKeepsFew", "TestSignals", "TestTerminal", "TestTerminalChanges", "TestText",
	"TestTextWithSwitches", "TestTimestamp", "TestTooLittleMemory",
}

// turns are tests that take long. Two kernels of one architecture that have the same ways
// of tracing share them, so that each runs on at least one amd64 and one arm64 machine with
// each set of backends, on the kernels before 6.12 with kprobes and on the thorough ones.
// TRACER_E2E=full has all of them everywhere.
var turns = []string{
	"TestFunctionsWithoutSkbRunForAPacket", "TestSoak",
	"TestMapsForAPacket", "TestTunnels",
	"TestFunctionsWithoutSkbOfEveryFunction", "TestLookups",
	"TestDropsOnly", "TestByStackSoak",
	"TestLookupsBesideReturns", "TestOwner",
	"TestXDPInTheStack", "TestReturnsOfCallsAtTheSameTime",
	"TestNetfilter", "TestXDP",
	"TestFilterPayloadInPages", "TestVLAN",
	"TestConntrack", "TestHelpersOfProgramsRunForAPacket",
	"TestPrograms", "TestProgramsFollow",
	"TestLookupsThatAreNotHere", "TestByStackOfAStranger",
	"TestStack", "TestReturnedValuesAreThoseOfTheKernel",
	"TestReturnsAreThoseOfTheFunctionGraph", "TestPlaces",
	"TestVerdictsAreNamed", "TestDump",
	"TestExpression", "TestIdleUsesNoCPU",
	"TestStrangersInFreedMemory", "TestProblems",
	"TestTenTracers", "TestKilledAtAnyMoment",
}

// skip is the tests that are not for this machine, as go test -skip takes them.
func (m machine) skip() string {
	if m.tests == lockedDown {
		return ""
	}
	list := []string{"TestLockedDown", "TestDoctorLockedDown"}
	if !m.thorough && m.tests == "" {
		list = append(list, sameEverywhere...)
	}
	if m.quick {
		list = without(append(list, long...), essentials)
	}
	list = append(list, m.othersTurns()...)
	return "^(" + strings.Join(list, "|") + ")$"
}

// othersTurns are the tests that the machine leaves to the one that is like it.
func (m machine) othersTurns() (list []string) {
	for i, name := range turns {
		if m.turn != 0 && i%2 != m.turn-1 {
			list = append(list, name)
		}
	}
	return list
}

// ownTurns are those that it has because the other machine does not.
func (m machine) ownTurns() (list []string) {
	for i, name := range turns {
		if m.turn != 0 && i%2 == m.turn-1 {
			list = append(list, name)
		}
	}
	return list
}

// flags are the guest's environment variables that say how much each test is to do: BRIEF for
// the best backend alone, QUICK for the quick tier.
func (m machine) flags() []string {
	return []string{"BRIEF=" + ifSo(!m.thorough || m.quick), "QUICK=" + ifSo(m.quick)}
}

func ifSo(so bool) string {
	if so {
		return "1"
	}
	return ""
}

// owed are the tests that have to be in the machine's outcome, whatever else is.
func (m machine) owed() []string {
	switch {
	case m.quick:
		return essentials
	case m.tests != "":
		return nil
	case m.thorough:
		return append(slices.Clone(sameEverywhere), turns...)
	}
	return m.ownTurns()
}

// smoke is the quickest machine with the quickest backend for functions.
var smoke = machine{
	series: "6.12", arch: "amd64", backends: "kprobe-multi", cpus: 2,
	tests: "^TestBackend$/^kprobe-multi$|^TestPingInText$|^TestOverflow$",
}

// backendList is empty for a machine on which none runs.
func (m machine) backendList() []string {
	return strings.FieldsFunc(m.backends, func(r rune) bool { return r == ',' })
}

func (m machine) name() string { return m.series + "-" + m.arch + m.variant }

// modules are what the scenarios need beside the network itself.
var modules = []string{
	"veth", "dummy", "bridge", "8021q", "nf_tables",
	"nf_flow_table", "nf_flow_table_inet", "iptable_filter", "ip6table_filter",
	"vxlan", "geneve", "ip_gre", "ip6_gre", "ipip", "sit", "ip6_tunnel", "wireguard",
	"nft_ct", "nft_chain_nat", "nft_nat", "nft_masq", "nft_dup_ipv4", "nft_reject_ipv4",
	"sch_ingress", "cls_matchall", "cls_bpf", "act_mirred", "sch_sfq", "sch_tbf",
	"esp4", "xfrm_user", "authenc", "crypto_null",
}

// wanted are the machines that TRACER_E2E asks for, with the tests that
// TRACER_E2E_RUN does, as go test -run: without it all that are for each.
func wanted(t *testing.T) []machine {
	t.Helper()
	list := machinesWanted(t)
	if tests := os.Getenv("TRACER_E2E_RUN"); tests != "" {
		list = slices.Clone(list)
		for i := range list {
			list[i].tests, list[i].thorough, list[i].turn = tests, true, 0
			list[i].backends = "" // none has to appear
		}
	}
	return list
}

func machinesWanted(t *testing.T) []machine {
	t.Helper()
	tier := os.Getenv("TRACER_E2E")
	switch tier {
	case "":
		t.Skip("no virtual machines without TRACER_E2E: run make e2e, or make e2e-smoke for one of them")
	case "all":
		return machines
	case "quick":
		return quickMachines()
	case "full":
		return withoutTurns(machines)
	case "cost":
		t.Skip("TestCost alone is asked for")
	case "smoke":
		return []machine{smoke}
	}
	list, err := named(strings.Split(tier, ","))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// withoutTurns has each machine run the tests too that another one does for it.
func withoutTurns(list []machine) []machine {
	list = slices.Clone(list)
	for i := range list {
		list[i].turn = 0
	}
	return list
}

func named(names []string) ([]machine, error) {
	var list []machine
	for _, name := range names {
		i := slices.IndexFunc(machines, func(m machine) bool { return m.name() == name })
		if i < 0 {
			return nil, fmt.Errorf("TRACER_E2E: no machine %q", name)
		}
		list = append(list, machines[i])
	}
	return withoutTurns(list), nil
}
