// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"tracer/internal/column"
	"tracer/internal/event"
)

// TestJSONMembers parses each record with encoding/json, and compares its members and their types with the
// column table.
func TestJSONMembers(t *testing.T) {
	for _, mode := range column.Timestamps() {
		stamp, err := column.ParseTimestamp(mode)
		if err != nil {
			t.Fatal(err)
		}
		o := full
		o.Timestamp = stamp
		lines := strings.SplitAfter(printed(t, Options{JSON: true, Columns: o}), "\n")
		for i, s := range samples() {
			t.Run(mode+"/"+s.name, func(t *testing.T) { checkRecord(t, lines[i], s.event.Kind, columnsOf(s.event.Kind, o)) })
		}
	}
}

func columnsOf(k event.Kind, o column.Options) []column.Column {
	switch k {
	case event.Lost:
		return column.Lost()
	case event.Summary:
		return column.Summary()
	}
	return column.Select(o)
}

func checkRecord(t *testing.T, line string, kind event.Kind, columns []column.Column) {
	t.Helper()
	if !utf8.ValidString(line) || !strings.HasSuffix(line, "}\n") {
		t.Fatalf("not a line of UTF-8: %q", line)
	}
	var members map[string]any
	if err := stdjson.Unmarshal([]byte(line), &members); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	if err := unique(stdjson.NewDecoder(strings.NewReader(line))); err != nil {
		t.Errorf("%v: %s", err, line)
	}
	if want := fmt.Sprintf(`{"version":1,"type":"%s",`, kind); !strings.HasPrefix(line, want) {
		t.Errorf("record starts with %.40q, want %q", line, want)
	}
	for _, c := range columns {
		checkMember(t, members, c)
	}
	if want := len(columns) + 2; len(members) != want { // 2: version and type
		t.Errorf("%d members, want %d: %s", len(members), want, line)
	}
}

// unique reads a value, and returns an error if an object in it has a key twice, which Unmarshal accepts.
func unique(d *stdjson.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch token {
	case stdjson.Delim('{'):
		err = uniqueKeys(d)
	case stdjson.Delim('['):
		for err == nil && d.More() {
			err = unique(d)
		}
	default:
		return nil
	}
	if err == nil {
		_, err = d.Token()
	}
	return err
}

func uniqueKeys(d *stdjson.Decoder) error {
	seen := map[stdjson.Token]bool{}
	for d.More() {
		key, err := d.Token()
		if err == nil && seen[key] {
			err = fmt.Errorf("key %q is there twice", key)
		}
		if err == nil {
			err = unique(d)
		}
		if err != nil {
			return err
		}
		seen[key] = true
	}
	return nil
}

func TestUnique(t *testing.T) {
	for text, want := range map[string]bool{
		`{"a":1,"b":{"a":[{"a":1},{"a":2}]}}`: true, `{"a":1,"a":1}`: false, `{"a":[1,{"b":1,"b":2}]}`: false, `{"a":1`: false,
	} {
		if err := unique(stdjson.NewDecoder(strings.NewReader(text))); (err == nil) != want {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func checkMember(t *testing.T, members map[string]any, c column.Column) {
	t.Helper()
	value, there := members[c.Key]
	if !there {
		t.Errorf("no member %q", c.Key)
	}
	if got := typeOf(value); got != c.Type && (value != nil || c.Type == column.Bool) {
		t.Errorf("member %q is %v, a %s; want a %s", c.Key, value, got, c.Type)
	}
}

func typeOf(v any) column.Type {
	switch v.(type) {
	case string:
		return column.String
	case float64:
		return column.Number
	case bool:
		return column.Bool
	case map[string]any:
		return column.Object
	case []any:
		return column.Array
	}
	return "null"
}

func TestJSONEscapesHostileNames(t *testing.T) {
	for _, s := range samples() {
		if s.name != "hostile names" {
			continue
		}
		var out bytes.Buffer
		x := New(&out, Options{JSON: true, Columns: everything})
		if err := x.Take(&s.event); err != nil {
			t.Fatal(err)
		}
		if err := x.Flush(); err != nil {
			t.Fatal(err)
		}
		var got struct{ Comm, Process, Ifname string }
		if err := stdjson.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		comm := "a\"\\\n\x1b[31m\ufffdé\x7f\r "
		if got.Comm != comm || got.Process != comm+":42701" || got.Ifname != "e\n\"\ufffd" {
			t.Errorf("got %+q", got)
		}
	}
}
