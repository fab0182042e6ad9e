// SPDX-License-Identifier: Apache-2.0

// Package e2e runs the tests of package guest on real kernels, each in a virtual
// machine.
//
// The environment variable TRACER_E2E selects the machines: "quick" is the tier of `make test`
// (tiers_test.go), "all" is every kernel, where two similar kernels share the long tests,
// "full" is every kernel with every test, "smoke" is one kernel, "cost" is only TestCost, and
// a list such as "6.1-arm64,7-amd64" names machines. TRACER_E2E_RUN replaces the tests of each
// machine with a pattern for go test -run. `make e2e` builds and installs what the machines need;
// the tests fail, and are not skipped, if something is missing. The logs are in build/e2e.
//
// The number of machines that run in parallel is the number of processors, or go test -parallel.
//
// To run the same tests on the kernel of this machine, as root:
//
//	go test ./e2e/guest
package e2e
