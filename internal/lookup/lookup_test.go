// SPDX-License-Identifier: Apache-2.0

package lookup

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/event"
)

// num returns the value of an expression that is a number.
func num(n uint64) Value { return binary.NativeEndian.AppendUint64(nil, n) }

func TestForms(t *testing.T) {
	v4 := Value{10, 9, 0, 2, 0xff, 0xff, 0xff, 0xff}
	v6 := Value{0xfd, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}
	for _, test := range []struct {
		form   Form
		values []Value
		want   string
	}{
		{ipv4, []Value{v4}, "10.9.0.2"},
		{ipv6, []Value{v6}, "fd09::2"},
		{prefix4, []Value{v4, num(24)}, "10.9.0.2/24"},
		{prefix6, []Value{v6, num(64)}, "fd09::2/64"},
		{byFamily, []Value{slices.Concat(v4, v4), num(2)}, "10.9.0.2"},
		{byFamily, []Value{v6, num(10)}, "fd09::2"},
		{byFamily, []Value{v6, num(7)}, "family-7"},
		{byLength, []Value{slices.Concat(v4, v4), num(4)}, "10.9.0.2"},
		{byLength, []Value{v6, num(16)}, "fd09::2"},
		{byLength, []Value{v6, num(2)}, "fd:09"},
		{linkAddress, []Value{v6, num(6)}, "fd:09:00:00:00:00"},
		{linkAddress, []Value{v6, num(20)}, "fd:09:00:00:00:00:00:00:00:00:00:00:00:00:00:02"},
		{linkAddress, []Value{v6, num(0)}, ""},
		{device, []Value{Value("eth0\x00\x00\x00\x00")}, "eth0"},
		{number, []Value{num(77)}, "77"},
		{hexadecimal, []Value{num(77)}, "0x4d"},
		{routeTable, []Value{num(254)}, "main"},
		{routeTable, []Value{num(255)}, "local"},
		{routeTable, []Value{num(253)}, "default"},
		{routeTable, []Value{num(123)}, "123"},
		{routeType, []Value{num(7)}, "unreachable"},
		{routeType, []Value{num(99)}, "99"},
		{nud, []Value{num(0)}, "NONE"},
		{nud, []Value{num(0x82)}, "REACHABLE|PERMANENT"},
		{nud, []Value{num(0x104)}, "STALE|0x100"},
		{socketState, []Value{num(10)}, "LISTEN"},
		{conntrackState, []Value{num(0)}, "ESTABLISHED"},
		{conntrackState, []Value{num(7)}, "UNTRACKED"},
		{conntrackTCP, []Value{num(2)}, "SYN_RECV"},
		{conntrackStatus, []Value{num(0xe)}, "SEEN_REPLY|ASSURED|CONFIRMED"},
		{directionName, []Value{num(1)}, "reply"},
		{handle, []Value{num(0x80010000)}, "8001:"},
		{handle, []Value{num(0x80010002)}, "8001:2"},
		{handle, []Value{num(0xffffffff)}, "root"},
		{handle, []Value{num(0)}, "0:"},
	} {
		if got := string(test.form.append([]byte("x"), test.values)); got != "x"+test.want {
			t.Errorf("%v: %q, want %q", test.values, got, "x"+test.want)
		}
	}
}

// reader returns a reader of a socket look-up: value 0 is Missing, value 1 a port, and value 3 an
// inode, which exists if value 2 is non-zero.
func reader() *Reader {
	at := func(n int) []Slot { return []Slot{{Number: n, At: 8 + 8*n, Size: 8}} }
	return NewReader(Layout{
		Of: &Lookup{
			Kind: "socket", Missing: "!ret",
			Asked: []Field{{Key: "port", Form: number}, {Key: "nowhere", Form: number}},
			Found: []Field{{Key: "inode", Form: rare(number), Where: "full"}},
		},
		Missing: FieldSlots{Values: at(0)},
		Asked:   []FieldSlots{{Values: at(1)}, {}},
		Found:   []FieldSlots{{Where: at(2), Values: at(3)}},
	})
}

// read returns encoded values; bits is the bitmap of those that could be read.
func read(bits byte, values ...uint64) []byte {
	raw := []byte{bits, 0, 0, 0, 0, 0, 0, 0}
	for _, v := range values {
		raw = append(raw, num(v)...)
	}
	return raw
}

func TestRead(t *testing.T) {
	port := event.Fact{Key: "port", Kind: event.NumberFact, Text: []byte("80"), Number: 80}
	nowhere := event.Fact{Key: "nowhere"}
	inode := event.Fact{Key: "inode", Kind: event.NumberFact, Text: []byte("9"), Number: 9, Usual: true}
	for name, test := range map[string]struct {
		raw    []byte
		result string
		want   event.Lookup
	}{
		"found":                     {read(15, 0, 80, 1, 9), "", event.Lookup{Asked: []event.Fact{port, nowhere}, Found: []event.Fact{inode}}},
		"field that does not exist": {read(15, 0, 80, 0, 9), "", event.Lookup{Asked: []event.Fact{port, nowhere}}},
		"value not read":            {read(7, 0, 80, 1, 0), "", event.Lookup{Asked: []event.Fact{port, nowhere}, Found: []event.Fact{{Key: "inode"}}}},
		"condition not read":        {read(11, 0, 80, 0, 9), "", event.Lookup{Asked: []event.Fact{port, nowhere}, Found: []event.Fact{{Key: "inode"}}}},
		"nothing found":             {read(3, 1, 80, 0, 0), "NULL", event.Lookup{Asked: []event.Fact{port, nowhere}, Missing: true}},
		"error":                     {read(3, 1, 80, 0, 0), "ENOENT", event.Lookup{Asked: []event.Fact{port, nowhere}, Missing: true, Error: "ENOENT"}},
		"Missing not read":          {read(2, 0, 80, 0, 0), "", event.Lookup{Asked: []event.Fact{port, nowhere}, Unknown: true}},
		"key not read":              {read(1, 1, 0, 0, 0), "", event.Lookup{Asked: []event.Fact{{Key: "port"}, nowhere}, Missing: true}},
		"truncated values":          {read(15, 0, 80), "", event.Lookup{Asked: []event.Fact{port, nowhere}, Found: []event.Fact{{Key: "inode"}}}},
	} {
		test.want.Kind = "socket"
		r := reader()
		for range 2 { // the second time with reused memory
			if diff := cmp.Diff(test.want, r.Read(test.raw, test.result), cmp.Transformer("empty", func(f []event.Fact) []event.Fact {
				return append([]event.Fact{}, f...)
			})); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
}

func TestTable(t *testing.T) {
	if diff := cmp.Diff([]string{"route", "neigh", "conntrack", "socket", "qdisc"}, Kinds()); diff != "" {
		t.Error(diff)
	}
	functions := map[string]bool{}
	for _, l := range table {
		for _, f := range l.Functions {
			if functions[f] {
				t.Errorf("%s is in the table twice", f)
			}
			functions[f] = true
		}
		for _, fields := range [][]Field{l.Asked, l.Found} {
			checkFields(t, strings.Join(l.Functions, ","), fields)
		}
	}
}

func checkFields(t *testing.T, of string, fields []Field) {
	t.Helper()
	keys := map[string]bool{}
	for _, f := range fields {
		if keys[f.Key] || f.Form.append == nil || len(f.Variants) == 0 {
			t.Errorf("%s: field %q", of, f.Key)
		}
		keys[f.Key] = true
	}
}
