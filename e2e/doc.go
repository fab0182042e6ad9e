// SPDX-License-Identifier: Apache-2.0

// Package e2e runs the tests of package guest on real kernels, each in a virtual
// machine.
//
// The environment variable TRACER_E2E selects the machines: "quick" is the tier of `make test`
// (tiers_test.go), "all" is every kernel, where two similar kernels share the long tests,
// "full" is every kernel with every test, "smoke" is one kernel, "cost" is TestCost alone, and
// a list such as "6.1-arm64,7-amd64" names machines. `make e2e` builds and installs what they
// need; nothing that is missing is skipped. The logs are kept below build/e2e.
//
// As many machines run at a time as there are processors (go test -parallel).
//
// The same tests run as root on the kernel of this machine with
//
//	go test ./e2e/guest
package e2e
