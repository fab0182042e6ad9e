// SPDX-License-Identifier: Apache-2.0

package explain

import "testing"

// TestValueOfQuestion checks that a question has the values of the decisions that the cause uses, and no others.
func TestValueOfQuestion(t *testing.T) {
	q := Question{
		Used:   []string{"truesize", "sock_queue.used", "owner"},
		Values: Values{"packet_queue.inode": number(1), "sock_queue.inode": number(2), "tcp_memory.lport": number(3), "len": number(4)},
	}
	for key, want := range map[string]uint64{"inode": 2, "len": 4} {
		if v, known := q.Value(key); !known || v.Number != want {
			t.Errorf("%s: %+v, want %d", key, v, want)
		}
	}
	if v, known := q.Value("lport"); known {
		t.Errorf("lport of a decision that the cause does not use: %+v", v)
	}
}
