// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"errors"
	"slices"
	"testing"

	"github.com/mdlayher/netlink"
	"github.com/mdlayher/netlink/nlenc"
	"golang.org/x/sys/unix"
)

// packet returns a packet of messages with these types; the data of each are its index.
func packet(sequence uint32, flags uint16, kinds ...netlink.HeaderType) (all []byte) {
	for i, kind := range kinds {
		m := make([]byte, headerSize+4)
		nlenc.PutUint32(m[0:4], uint32(len(m)))
		nlenc.PutUint16(m[4:6], uint16(kind))
		nlenc.PutUint16(m[6:8], flags)
		nlenc.PutUint32(m[8:12], sequence)
		nlenc.PutUint32(m[headerSize:], uint32(i))
		all = append(all, m...)
	}
	return all
}

func TestSplit(t *testing.T) {
	failed := packet(7, 0, 20, netlink.Error)
	nlenc.PutInt32(failed[len(failed)-4:], -int32(unix.ENOENT))
	long := packet(7, 0, 20)
	nlenc.PutUint32(long[0:4], 100)
	for name, test := range map[string]struct {
		packet []byte
		seen   int
		done   bool
		err    error
	}{
		"nothing":           {nil, 0, false, nil},
		"two messages":      {packet(7, 0, 20, 20), 2, false, nil},
		"the end":           {append(packet(7, 0, 20), packet(7, 0, netlink.Done)...), 1, true, nil},
		"of another answer": {packet(6, 0, 20, netlink.Done), 0, false, nil},
		"an error":          {failed, 1, true, unix.ENOENT},
		"interrupted":       {packet(7, unix.NLM_F_DUMP_INTR, 20), 0, true, errInterrupted},
		"a part":            {packet(7, 0, 20)[:headerSize-1], 0, false, nil},
	} {
		seen := 0
		done, err := split(test.packet, 7, func(netlink.HeaderType, []byte) error { seen++; return nil })
		if seen != test.seen || done != test.done || !errors.Is(err, test.err) {
			t.Errorf("%s: %d messages, done %v, error %v", name, seen, done, err)
		}
	}
	if _, err := split(long, 7, nil); err == nil {
		t.Error("a message longer than its packet: no error")
	}
	if _, err := split(slices.Concat(packet(7, 0, 20, 20)), 7, func(netlink.HeaderType, []byte) error { return errEnough }); !errors.Is(err, errEnough) {
		t.Errorf("enough: %v", err)
	}
}
