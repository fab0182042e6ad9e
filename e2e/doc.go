// SPDX-License-Identifier: Apache-2.0

// Package e2e runs the tests of package guest on real kernels, each in a virtual
// machine.
//
// The machines are asked for with the environment variable TRACER_E2E: "smoke" is
// one kernel, "all" is every kernel, where two that are much alike take turns with the
// tests that take long, "full" is every kernel with every test, and a list such as
// "6.1-arm64,7-amd64" names them. `make e2e` builds and installs what they need; nothing that is missing
// is skipped. What each machine said is kept below build/e2e.
//
// As many machines run at a time as there are processors (go test -parallel).
//
// The same tests run as root on the kernel of this machine with
//
//	go test ./e2e/guest
package e2e
