// SPDX-License-Identifier: Apache-2.0

package event

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func encoded(t testing.TB, e *Event) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := e.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// checkStored checks that an event is the same after encoding and decoding.
func checkStored(t *testing.T, e *Event) {
	t.Helper()
	data := encoded(t, e)
	got, err := Decode(data)
	if err != nil {
		t.Fatalf("%v: %x", err, data)
	}
	if !reflect.DeepEqual(got, e) {
		t.Fatalf("stored as %x:\n%+v\nwant\n%+v", data, got, e)
	}
}

func TestStoredEventIsTheSame(t *testing.T) {
	checkStored(t, &Event{})
	for seed := range uint64(200) {
		checkStored(t, eventOf(randomBytes(seed)))
	}
}

// FuzzStored makes events from bytes, encodes and decodes them.
func FuzzStored(f *testing.F) {
	f.Add([]byte{})
	f.Add(randomBytes(1))
	f.Fuzz(func(t *testing.T, data []byte) { checkStored(t, eventOf(data)) })
}

// FuzzDecode decodes arbitrary bytes. If they are an event, it must be the same after it is encoded and
// decoded again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{0xa0})
	f.Add(encoded(f, eventOf(randomBytes(2))))
	f.Fuzz(func(t *testing.T, data []byte) {
		if e, err := Decode(data); err == nil {
			checkStored(t, e)
		}
	})
}

func TestRawIsNotStored(t *testing.T) {
	if data := encoded(t, &Event{Raw: Raw{ID: 7, Skb: []byte("bytes"), Stack: []uint64{1}}}); !bytes.Equal(data, []byte{0xa0}) {
		t.Errorf("stored as %x", data)
	}
}

func TestDecodeRefusesBrokenData(t *testing.T) {
	whole := encoded(t, eventOf(randomBytes(3)))
	for n := range len(whole) {
		if _, err := Decode(whole[:n]); err == nil {
			t.Fatalf("%d of %d bytes were accepted", n, len(whole))
		}
	}
	_, err := Decode([]byte{0xa1, 0x01, 0x61, 'x'}) // Kind is a text
	if err == nil || !strings.Contains(err.Error(), "stored event of 4 bytes") {
		t.Errorf("error %v", err)
	}
}

// TestUnknownMembersAreSkipped decodes an event with members of a newer version.
func TestUnknownMembersAreSkipped(t *testing.T) {
	newer, err := cbor.Marshal(map[int]any{
		1: Tracepoint, 4: 77, 900: "new", 901: map[int]any{1: []int{1, 2}},
		9: map[int]any{1: 4026531840, 99: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(newer)
	if err != nil {
		t.Fatal(err)
	}
	if want := (&Event{Kind: Tracepoint, Time: 77, Meta: Meta{Netns: 4026531840}}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// numbers lists the numbers and types of all stored members, one per line, as in `Event.Kind 1 event.Kind`.
func numbers(t *testing.T, of reflect.Type, done map[reflect.Type]bool) (lines []string) {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice || of.Kind() == reflect.Array {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || of.PkgPath() != reflect.TypeFor[Event]().PkgPath() || done[of] {
		return nil
	}
	done[of] = true
	var nested []string
	taken := map[string]string{}
	for i := range of.NumField() {
		field := of.Field(i)
		tag := field.Tag.Get("cbor")
		if field.Type == reflect.TypeFor[Raw]() {
			continue
		}
		number, rest, _ := strings.Cut(tag, ",")
		if rest != "keyasint,omitzero" || taken[number] != "" {
			t.Errorf("%s.%s: tag %q, number already of %q", of.Name(), field.Name, tag, taken[number])
		}
		taken[number] = field.Name
		lines = append(lines, fmt.Sprintf("%s.%s %s %s", of.Name(), field.Name, number, field.Type))
		nested = append(nested, numbers(t, field.Type, done)...)
	}
	return append(lines, nested...)
}

// TestNumbersStay compares the numbers and types of members with testdata/numbers.txt. A new member adds a
// line. If a line changes, the files of older versions become unreadable.
func TestNumbersStay(t *testing.T) {
	const file = "testdata/numbers.txt"
	got := strings.Join(numbers(t, reflect.TypeFor[Event](), map[reflect.Type]bool{}), "\n") + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(want)) {
		if !strings.Contains(got, line) {
			t.Errorf("changed: %s", line)
		}
	}
	if !*update && got != string(want) {
		t.Errorf("new members are not in %s; run the test with -update:\n%s", file, got)
	}
}

// TestStoredByOlderVersions decodes events that earlier versions stored, with every section that they had.
func TestStoredByOlderVersions(t *testing.T) {
	checkFile(t, "testdata/event-1.hex", complete())
}

func checkFile(t *testing.T, file string, want *Event) {
	t.Helper()
	if *update {
		if _, err := os.Stat(file); err == nil {
			t.Log("a file of an older version is never rewritten: remove it by hand, or add another")
		} else if err := os.WriteFile(file, []byte(hex.EncodeToString(encoded(t, want))+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
}

// complete returns an event in which no member is zero.
func complete() *Event {
	e := new(Event)
	n := 0
	number(reflect.ValueOf(e).Elem(), &n)
	return e
}

// number sets all members to 1, 2, 3 …, within the range of their types, and makes slices of one element.
func number(v reflect.Value, n *int) {
	if v.Type() == reflect.TypeFor[Raw]() {
		return
	}
	*n++
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32, reflect.Int64:
		v.SetInt(int64(-*n))
	case reflect.Uint8:
		v.SetUint(uint64(*n%255 + 1))
	case reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.String:
		v.SetString(fmt.Sprint("name ", *n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		number(v.Elem(), n)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		number(v.Index(0), n)
	case reflect.Array:
		for i := range v.Len() {
			number(v.Index(i), n)
		}
	case reflect.Struct:
		numberMembers(v, n)
	}
}

func numberMembers(v reflect.Value, n *int) {
	if addr, ok := v.Addr().Interface().(interface{ UnmarshalText([]byte) error }); ok { // netip.Addr
		if err := addr.UnmarshalText(fmt.Appendf(nil, "10.0.0.%d", *n%250+1)); err != nil {
			panic(err)
		}
		return
	}
	for i := range v.NumField() {
		number(v.Field(i), n)
	}
}

func BenchmarkEncode(b *testing.B) {
	e := &Event{
		Kind: Function, Time: 1234567890123456, Skb: 0xffff888003c1a400, Addr: 0xffffffff81000000,
		Process: Process{PID: 4242, TID: 4242, Comm: [16]byte{'n', 'g', 'i', 'n', 'x'}},
		Meta:    Meta{Netns: 4026531840, Ifindex: 2, Ifname: [16]byte{'e', 't', 'h', '0'}, Len: 84, MTU: 1500, Protocol: 0x800},
		Tuple:   Tuple{Network: IPv4, Protocol: 17, Ports: true, SourcePort: 40000, DestPort: 53},
		Names:   Names{Func: "ip_finish_output2"},
	}
	var buffer bytes.Buffer
	b.ReportAllocs()
	for b.Loop() {
		buffer.Reset()
		if err := e.Encode(&buffer); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(buffer.Len()), "B/event")
}
