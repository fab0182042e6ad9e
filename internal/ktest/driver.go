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

// attributes are what a kind of device is made with, for the kinds that the
// library has no driver of.
type attributes struct {
	kind string
	put  func(*netlink.AttributeEncoder)
}

func (a attributes) New() rtnetlink.LinkDriver                { return a }
func (a attributes) Decode(*netlink.AttributeDecoder) error   { return nil }
func (a attributes) Kind() string                             { return a.kind }
func (a attributes) Encode(e *netlink.AttributeEncoder) error { a.put(e); return nil }

// needsModule skips a test for which this kernel has no module. In the test
// machines, where each module is known to be there, a skip counts as a failure.
func needsModule(t testing.TB, err error) {
	t.Helper()
	if slices.ContainsFunc(lacking, func(e unix.Errno) bool { return errors.Is(err, e) }) {
		t.Skipf("no module: %v", err)
	}
	must(t, err)
}

// lacking are the answers of a kernel that has no module: for a kind of device, for
// a classifier or an expression of the firewall, for a cipher, for a protocol.
var lacking = []unix.Errno{unix.EOPNOTSUPP, unix.ENOENT, unix.ENOSYS, unix.EPROTONOSUPPORT}
