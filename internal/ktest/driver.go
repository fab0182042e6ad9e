// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
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
	if errors.Is(err, unix.EOPNOTSUPP) {
		t.Skipf("no module: %v", err)
	}
	must(t, err)
}
