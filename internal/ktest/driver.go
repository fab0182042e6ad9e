// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"slices"
	"testing"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// attributes is a [rtnetlink.LinkDriver] for kinds of devices that the library does not support.
type attributes struct {
	kind string
	put  func(*netlink.AttributeEncoder)
}

func (a attributes) New() rtnetlink.LinkDriver                { return a }
func (a attributes) Decode(*netlink.AttributeDecoder) error   { return nil }
func (a attributes) Kind() string                             { return a.kind }
func (a attributes) Encode(e *netlink.AttributeEncoder) error { a.put(e); return nil }

// needsModule skips a test if err shows that this kernel lacks a module. In the test machines all modules are
// present, and a skip counts as a failure.
func needsModule(t testing.TB, err error) {
	t.Helper()
	if slices.ContainsFunc(missingModule, func(e unix.Errno) bool { return errors.Is(err, e) }) {
		t.Skipf("no module: %v", err)
	}
	must(t, err)
}

// missingModule are the errors of a kernel without a module: for a kind of device, for a classifier or an nftables
// expression, for a cipher, for a protocol, for a table of iptables-legacy or ebtables.
var missingModule = []unix.Errno{unix.EOPNOTSUPP, unix.ENOENT, unix.ENOSYS, unix.EPROTONOSUPPORT, unix.ENOPROTOOPT}
