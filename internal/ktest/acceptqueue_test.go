// SPDX-License-Identifier: Apache-2.0

package ktest

import "testing"

// TestListenBacklog checks that one connection fills the queue of a listener that does not accept, and that the
// queue has room again after an accept.
func TestListenBacklog(t *testing.T) {
	n := NewNetns(t, "ktest")
	dial := func() error {
		return n.Do(func() error {
			conn, err := TCP{Client: at("127.0.0.1", 0), Server: at("127.0.0.1", 8080)}.Connect()
			if err == nil {
				t.Cleanup(func() { conn.Close() })
			}
			return err
		})
	}
	must(t, n.Do(func() error {
		l, err := ListenBacklog(at("127.0.0.1", 8080), 0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { l.Close() })
		must(t, dial())
		if dial() == nil {
			t.Error("a second connection fits into the queue")
		}
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		conn.Close()
		return dial()
	}))
}
