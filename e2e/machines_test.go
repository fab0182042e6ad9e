// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// machine is a virtual machine in which the tests must pass: a kernel and its known properties. It is an error if a
// backend that is listed here does not run.
type machine struct {
	series, arch string
	backends     string
	// cpus is the number of CPUs, 1 by default. With more CPUs, attaching each kprobe takes
	// several times as long, since all CPUs must be stopped for it.
	cpus int
	// kernelArgs are added to the kernel's command line; variant is appended to the machine's name.
	kernelArgs, variant string
	// tests selects among the guest's tests, as go test -run does; empty means all.
	tests string
	// thorough machines also run the tests in sameEverywhere, and run the tests of function backends
	// with each of them instead of only the best one.
	thorough bool
	// broad machines run all tests except the long ones in the quick tier, others only the essentials.
	broad bool
	// quick is true in runs of the quick tier.
	quick bool
	// kills is the number of moments at which TestKilledAtAnyMoment sends signals; 0 means the test's own, a few.
	kills int
	// turn divides the list turns between two machines with similar kernels: 0 runs all of its tests, 1 those
	// with an even index, 2 those with an odd index.
	turn int
}

const (
	all      = "kprobe-multi,kprobe,tracepoint"
	noFprobe = "kprobe,tracepoint"
)

// manyKills is the number of kills on the kernels on which attaching and detaching differ most: kprobe-multi by a kernel
// with and without sessions, single kprobes, and the other architecture.
const manyKills = 200

var machines = []machine{
	{series: "5.10", arch: "amd64", backends: noFprobe, kills: manyKills},
	{series: "5.10", arch: "arm64", backends: noFprobe, thorough: true},
	{series: "6.1", arch: "amd64", backends: noFprobe}, // new enough for fprobe, but configured without it
	{series: "6.1", arch: "arm64", backends: noFprobe, turn: 1},
	{series: "6.12", arch: "amd64", backends: all, cpus: 2, thorough: true, broad: true, kills: manyKills},
	{series: "6.12", arch: "arm64", backends: noFprobe, turn: 2},
	{series: "6.18", arch: "amd64", backends: all, turn: 1},
	{series: "6.18", arch: "arm64", backends: all, turn: 2, broad: true, kills: manyKills},
	{series: "7", arch: "amd64", backends: all, turn: 2, kills: manyKills},
	{series: "7", arch: "arm64", backends: all, turn: 1},
	{series: "6.12", arch: "ppc64le", backends: all, tests: secondary + withStack},
	{series: "6.12", arch: "riscv64", backends: noFprobe, tests: secondary},
	{series: "6.12", arch: "s390x", backends: "kprobe-multi,tracepoint", tests: secondary + withStack}, // big-endian
	{series: "6.12", arch: "amd64", kernelArgs: "lockdown=confidentiality", variant: "-lockdown", tests: lockedDown},
}

// lockedDown are the tests for a locked-down kernel. Only these pass there.
const lockedDown = "^(TestLockedDown|TestDoctorLockedDown)$"

// secondary are the tests on the secondary architectures, whose machines are slow: the path and the drop of a packet
// with each backend, as text and JSON, and what depends on registers and byte order. withStack adds TestStack, except on
// riscv64, where the kernel's function tracer records no stacks to compare with.
const (
	secondary = "^(TestBackend|TestPingInText|TestHandshake|TestColumnsInJSON|TestDropsOnly|TestExpression|TestDump)$"
	withStack = "|^TestStack$"
)

// sameEverywhere are the tests of features that do not depend on the kernel: output formats, files, limits, signals,
// messages, and the syntax of filters and options. Only the thorough machines run them. All other tests run on every
// kernel; they include checks of the kernel fields that filters compare.
var sameEverywhere = []string{
	"TestAttribute", "TestByStackNeedsFunctions", "TestClosedPipe", "TestColorOnATerminal", "TestColumns", "TestColumnsInJSON",
	"TestDuration", "TestEvicted", "TestFileCapabilities", "TestFilterArithmetic", "TestFilterIfname", "TestFilterLength",
	"TestFilterMark", "TestFilterNetns", "TestFilterTCPFlags", "TestFirstMessage", "TestFullDisk", "TestHandshake",
	"TestInterruptAtStart", "TestInterruptTwice", "TestJourneyFaults", "TestKernelPointersRestricted", "TestOutputLimitLines",
	"TestMapOperationsInText", "TestMaxEventsPerPacket", "TestMaxEventsPerSecond", "TestMaxPackets", "TestMergedPartOfTwoPackets",
	"TestMissingOptionalCapabilities", "TestNetdevFilterExcludes", "TestNetdevFilterInOwnNamespace", "TestNetdevInOtherNamespace",
	"TestNoFilter", "TestNoHelpersIsAnError", "TestNoTracefs", "TestOutputFile", "TestPartOfTwoPackets", "TestPicture", "TestPingInText",
	"TestPreset", "TestRequiredCapabilityIsNamed", "TestReturnsNeedFunctions", "TestRotation", "TestRotationInForeignFolder",
	"TestRotationKeepsFew", "TestSignals", "TestTerminal", "TestTerminalResize", "TestText", "TestTextWithFlags", "TestTimestamp",
	"TestTooLittleMemory", "TestUnknownNonSkbFunction", "TestUnknownNetdev",
}

// turns are long tests. Two machines of one architecture with the same backends share them, so that each test runs on at
// least one amd64 and one arm64 machine for each set of backends, on kernels before 6.12 with kprobes, and on the
// thorough machines. TRACER_E2E=full runs all of them on every machine.
var turns = []string{
	"TestNonSkbFunctionAttribution", "TestSoak",
	"TestMapOperations", "TestTunnels",
	"TestNonSkbFunctionsWithAllFunctions", "TestLookups",
	"TestDropsOnly", "TestByStackSoak",
	"TestLookupsWithReturns", "TestProcessFilter",
	"TestGenericXDP", "TestReturnsOfConcurrentCalls",
	"TestNetfilter", "TestXDP",
	"TestFilterPayloadInPages", "TestVLAN",
	"TestConntrack", "TestHelperCalls",
	"TestPrograms", "TestProgramsFollowChangedPacket",
	"TestUnavailableLookups", "TestByStackExcludesQueuedData",
	"TestStack", "TestReturnValuesAgreeWithKretprobes",
	"TestReturnsAgreeWithFunctionGraph", "TestNetdevFilter",
	"TestVerdictsAreNamed", "TestDump",
	"TestExpression", "TestIdleUsesNoCPU",
	"TestReusedMemoryIsNotFollowed", "TestProblems",
	"TestTenTracers", killTest,
	"TestNftRuleAgreesWithTrace", "TestNftRuleAtRandom",
}

const killTest = "TestKilledAtAnyMoment"

// needsModuleTypes are the tests that need the types of modules, which kernels before 5.11 do not describe.
var needsModuleTypes = []string{"TestCausesOfChangedPackets", "TestNftRuleAtRandom", "TestNftRuleAgreesWithTrace", "TestLegacyRulesAtOnce"}

// needsEbtables are the tests that need ebtables as a module, with its types.
var needsEbtables = []string{"TestEbtablesRule"}

// hasEbtables reports whether the kernel has ebtables with its types.
func (m machine) hasEbtables() bool {
	return (m.series == "6.1" || m.series == "6.12") && (m.arch == "amd64" || m.arch == "arm64")
}

// skip returns the tests that this machine does not run, as a pattern for go test -skip.
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
	list = append(list, m.impossible()...)
	list = append(list, m.othersTurns()...)
	return "^(" + strings.Join(list, "|") + ")$"
}

// impossible are the tests that the kernel lacks something for.
func (m machine) impossible() (list []string) {
	if m.series == "5.10" {
		list = append(list, needsModuleTypes...)
	}
	if !m.hasEbtables() {
		list = append(list, needsEbtables...)
	}
	return list
}

// othersTurns are the tests that the similar machine runs instead of this one.
func (m machine) othersTurns() (list []string) {
	for i, name := range turns {
		if m.turn != 0 && i%2 != m.turn-1 {
			list = append(list, name)
		}
	}
	return list
}

// ownTurns are the tests that this machine runs instead of the similar one.
func (m machine) ownTurns() (list []string) {
	for i, name := range turns {
		if m.turn != 0 && i%2 == m.turn-1 {
			list = append(list, name)
		}
	}
	return list
}

// flags are the guest's environment variables that limit the tests: BRIEF tests only the best function
// backend where all behave the same, QUICK is the quick tier, KILLS the number of kills.
func (m machine) flags() []string {
	return []string{"BRIEF=" + ifSo(!m.thorough || m.quick), "QUICK=" + ifSo(m.quick), "KILLS=" + m.killCount()}
}

// killCount returns the number of kills: the environment variable KILLS, or that of the machine. It is empty if neither is
// set.
func (m machine) killCount() string {
	if text := os.Getenv("KILLS"); text != "" || m.kills == 0 {
		return text
	}
	return strconv.Itoa(m.kills)
}

func ifSo(so bool) string {
	if so {
		return "1"
	}
	return ""
}

// required are tests that must be in the machine's outcome.
func (m machine) required() []string {
	switch {
	case m.quick:
		return essentials
	case m.tests != "":
		return nil
	case m.thorough:
		return without(append(slices.Clone(sameEverywhere), turns...), m.impossible())
	}
	list := m.ownTurns()
	if m.kills != 0 && !slices.Contains(list, killTest) {
		list = append(list, killTest)
	}
	return list
}

// smoke is the fastest machine with the fastest function backend, for a short test.
var smoke = machine{
	series: "6.12", arch: "amd64", backends: "kprobe-multi", cpus: 2,
	tests: "^TestBackend$/^kprobe-multi$|^TestPingInText$|^TestOverflow$",
}

// backendList is empty for a machine on which no backend runs.
func (m machine) backendList() []string {
	return strings.FieldsFunc(m.backends, func(r rune) bool { return r == ',' })
}

func (m machine) name() string { return m.series + "-" + m.arch + m.variant }

// modules are the kernel modules that the tests need.
var modules = []string{
	"veth", "dummy", "bridge", "8021q", "nf_tables",
	"nf_flow_table", "nf_flow_table_inet", "iptable_filter", "ip6table_filter",
	"vxlan", "geneve", "ip_gre", "ip6_gre", "ipip", "sit", "ip6_tunnel", "wireguard",
	"nft_ct", "nft_chain_nat", "nft_nat", "nft_masq", "nft_dup_ipv4", "nft_reject_ipv4", "nft_reject_inet",
	"nft_meta_bridge", "nft_compat", "ipt_REJECT", "xt_mark",
	"sch_ingress", "cls_matchall", "cls_bpf", "act_mirred", "act_gact", "sch_sfq", "sch_tbf", "sch_netem",
	"esp4", "xfrm_user", "authenc", "crypto_null",
	"tcp_diag", "udp_diag", "nf_conntrack_netlink",
	"xt_tcpudp", "xt_comment", "ip6t_REJECT",
}

// modules returns the kernel modules that the tests need on the machine. Counters of nftables are built in since 5.17.
func (m machine) modules() []string {
	switch {
	case m.series == "5.10":
		return append(slices.Clone(modules), "nft_counter")
	case m.hasEbtables():
		return append(slices.Clone(modules), "ebtable_filter", "ebtable_nat")
	}
	return modules
}

// wanted returns the machines that TRACER_E2E selects. TRACER_E2E_RUN replaces the tests of each with a
// pattern for go test -run.
func wanted(t *testing.T) []machine {
	t.Helper()
	list := machinesWanted(t)
	if tests := os.Getenv("TRACER_E2E_RUN"); tests != "" {
		list = slices.Clone(list)
		for i := range list {
			list[i].tests, list[i].thorough, list[i].turn = tests, true, 0
			list[i].backends = "" // no backend is required in the outcome
		}
	}
	return list
}

func machinesWanted(t *testing.T) []machine {
	t.Helper()
	tier := os.Getenv("TRACER_E2E")
	switch tier {
	case "":
		t.Skip("TRACER_E2E is not set: run make e2e for all virtual machines, or make e2e-smoke for one")
	case "all":
		return machines
	case "quick":
		return quickMachines()
	case "full":
		return withoutTurns(machines)
	case "cost":
		t.Skip("TRACER_E2E=cost runs only TestCost")
	case "smoke":
		return []machine{smoke}
	}
	list, err := named(strings.Split(tier, ","))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// withoutTurns returns the machines with all tests in turns on each of them.
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
