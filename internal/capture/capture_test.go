// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"

	"tracer/internal/event"
)

var testRun = Run{Tracer: "1.0", Host: "node\x1b", Kernel: "6.12", Machine: "x86_64", Command: []string{"--write", "f", "udp"}, Start: 1_700_000_000_000_000_000, Monotonic: 5000}

// record returns the recording of events.
func record(t testing.TB, r Run, events []*event.Event) []byte {
	t.Helper()
	w, err := NewWriter(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if err := w.Take(e); err != nil {
			t.Fatal(err)
		}
	}
	return w.Data()
}

// read returns all events of a recording, and the error at its end.
func read(data []byte) (events []*event.Event, run *Run, err error) {
	r, err := NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, nil, err
	}
	for {
		e, err := r.Next()
		if err != nil {
			return events, r.Run(), err
		}
		events = append(events, e.Clone())
	}
}

func lost(n uint64) *event.Event {
	return &event.Event{Kind: event.Lost, CPU: 3, Time: 77, Loss: &event.Loss{Count: n}}
}

func summary() *event.Event {
	return &event.Event{Kind: event.Summary, Totals: &event.Totals{Matched: 9, Printed: 4, DropReasons: []event.ReasonCount{{Name: "x", Count: 2}}}}
}

// story returns random events, of which many repeat sections of the ones before, with loss markers between them.
func story(d dice, n int) []*event.Event {
	events := []*event.Event{}
	last := d.event()
	for range n {
		e := d.event()
		from, to := reflect.ValueOf(last).Elem(), reflect.ValueOf(e).Elem()
		for i := range to.NumField() {
			if d.IntN(2) == 0 {
				to.Field(i).Set(from.Field(i))
			}
		}
		d.repair(e)
		if d.IntN(10) == 0 {
			events = append(events, lost(d.number()))
		}
		events, last = append(events, e), e
	}
	return append(events, lost(1), summary())
}

// stripped returns an event as it is after a recording: the bytes are those that a recording keeps.
func stripped(e *event.Event) *event.Event {
	c := e.Clone()
	if b := c.Bytes; b != nil {
		c.Bytes.Data = b.Data[:headers(b.Data, b.Type)]
	}
	return c
}

// TestEventsAreReadAsWritten checks that random events, loss markers and the summary are the same after a recording.
func TestEventsAreReadAsWritten(t *testing.T) {
	for seed := range uint64(20) {
		events := story(newDice(seed), 200)
		got, run, err := read(record(t, testRun, events))
		if !errors.Is(err, io.EOF) || len(got) != len(events) {
			t.Fatalf("seed %d: %d of %d events, error %v", seed, len(got), len(events), err)
		}
		want := testRun
		want.Version = Version
		if !reflect.DeepEqual(*run, want) {
			t.Errorf("%+v, want %+v", *run, want)
		}
		for i := range got {
			// The stored form does not distinguish nil from empty slices, so both are compared in it.
			if a, b := encoded(t, got[i]), encoded(t, stripped(events[i])); !bytes.Equal(a, b) {
				t.Fatalf("seed %d, event %d:\n%+v\nwant\n%+v", seed, i, got[i], events[i])
			}
		}
	}
}

func encoded(t *testing.T, e *event.Event) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := e.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestEveryMemberIsWritten checks that an event with one member is the same after a recording: no member is forgotten.
func TestEveryMemberIsWritten(t *testing.T) {
	d := newDice(1)
	kind := reflect.TypeFor[event.Event]()
	for i := range kind.NumField() {
		switch kind.Field(i).Name {
		case "Raw", "Kind", "Loss", "Totals", "Bytes":
			continue
		}
		for range 20 {
			e := &event.Event{Kind: event.Function}
			d.fill(reflect.ValueOf(e).Elem().Field(i))
			got, _, err := read(record(t, testRun, []*event.Event{e, summary()}))
			if !errors.Is(err, io.EOF) || len(got) != 2 || !bytes.Equal(encoded(t, got[0]), encoded(t, e)) {
				t.Errorf("%s: %+v, want %+v, error %v", kind.Field(i).Name, got, e, err)
			}
		}
	}
	names := reflect.TypeFor[event.Names]()
	for i := range names.NumField() {
		e := &event.Event{Kind: event.Function}
		d.fill(reflect.ValueOf(&e.Names).Elem().Field(i))
		got, _, _ := read(record(t, testRun, []*event.Event{e, summary()}))
		if len(got) != 2 || !bytes.Equal(encoded(t, got[0]), encoded(t, e)) {
			t.Errorf("Names.%s: %+v, want %+v", names.Field(i).Name, got, e)
		}
	}
}

// TestVersionsAreTrusted checks that sections with the same version are not compared, and that others are written.
func TestVersionsAreTrusted(t *testing.T) {
	var events []*event.Event
	for i, version := range []uint64{1, 1, 2, 0, 2} {
		e := &event.Event{Kind: event.Function, Tuple: event.Tuple{SourcePort: uint16(10 * (version + 1))}, Meta: event.Meta{Mark: uint32(version), Len: uint32(i)}}
		if version == 0 {
			e.Tuple.SourcePort = 99
		}
		e.Raw.Versions = event.Versions{Meta: version, Tuple: version}
		events = append(events, e)
	}
	got, _, _ := read(record(t, testRun, append(events, summary())))
	for i, e := range events {
		if got[i].Tuple != e.Tuple || got[i].Meta != e.Meta {
			t.Errorf("event %d: %+v %+v, want %+v %+v", i, got[i].Tuple, got[i].Meta, e.Tuple, e.Meta)
		}
	}
}

// TestFullTables checks that events are read as written when the tables are emptied.
func TestFullTables(t *testing.T) {
	var events []*event.Event
	for i := range uint64(maxTable*2 + 10) {
		events = append(events, &event.Event{Kind: event.Function, Skb: i % (maxTable + 7)})
	}
	got, _, _ := read(record(t, testRun, append(events, summary())))
	for i, e := range events {
		if got[i].Skb != e.Skb {
			t.Fatalf("event %d has skb %d, want %d", i, got[i].Skb, e.Skb)
		}
	}
}

// TestLargeEvent checks an event that is larger than an option of pcapng.
func TestLargeEvent(t *testing.T) {
	e := &event.Event{Kind: event.Function, SkbDump: &event.Value{Text: bytes.Repeat([]byte("line\n"), 50_000)}}
	got, _, err := read(record(t, testRun, []*event.Event{e, summary()}))
	if !errors.Is(err, io.EOF) || len(got) != 2 || !bytes.Equal(got[0].SkbDump.Text, e.SkbDump.Text) {
		t.Errorf("%d events, error %v", len(got), err)
	}
}

// TestTruncated cuts a recording at every byte: what is before the last whole block is read, and the error has its
// offset.
func TestTruncated(t *testing.T) {
	events := story(newDice(2), 4)
	data := record(t, testRun, events)
	_, _, err := read(data)
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	most := 0
	for n := range data {
		got, _, err := read(data[:n])
		var at *Error
		if !errors.As(err, &at) || at.Offset > int64(n) || !errors.Is(err, ErrTruncated) && !errors.Is(err, ErrUnfinished) {
			t.Fatalf("%d of %d bytes: error %v", n, len(data), err)
		}
		if len(got) < most {
			t.Fatalf("%d of %d bytes: %d events, but %d with fewer", n, len(data), len(got), most)
		}
		most = len(got)
		for i := range got {
			if got[i].Kind != events[i].Kind {
				t.Fatalf("%d of %d bytes: event %d is of kind %s, want %s", n, len(data), i, got[i].Kind, events[i].Kind)
			}
		}
	}
	if most < len(events)-2 {
		t.Errorf("at most %d of %d events", most, len(events))
	}
}

// TestForeign checks that a file of another program is rejected, and says so.
func TestForeign(t *testing.T) {
	w := Writer{}
	w.open(sectionBlock)
	w.u32(byteOrderMagic)
	w.u32(1)
	w.u64(1<<64 - 1)
	w.close()
	for name, data := range map[string][]byte{"pcap": {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0}, "text": []byte("SKB  CPU"), "pcapng": w.data} {
		if _, _, err := read(data); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// TestNewerFormat checks that a file of a newer format is rejected with its version.
func TestNewerFormat(t *testing.T) {
	w, _ := NewWriter(testRun)
	w.Reset()
	run := testRun
	run.Version = Version + 1
	data, err := runEncoding.Marshal(run)
	if err != nil {
		t.Fatal(err)
	}
	w.open(sectionBlock)
	w.u32(byteOrderMagic)
	w.u32(1)
	w.u64(1<<64 - 1)
	w.option(runOption, data)
	w.close()
	if _, _, err := read(w.Data()); err == nil || err.Error() != "at byte 0: format version 2: this tracer reads versions up to 1" {
		t.Error(err)
	}
}

func FuzzReader(f *testing.F) {
	data := record(f, testRun, story(newDice(3), 8))
	f.Add(data)
	for _, n := range []int{0, 4, 11, len(data) / 2, len(data) - 1} {
		f.Add(data[:n])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		events, _, err := read(data)
		var at *Error
		if err == nil || !errors.Is(err, io.EOF) && (!errors.As(err, &at) || at.Offset < 0 || at.Offset > int64(len(data))) {
			t.Errorf("%d events, error %v", len(events), err)
		}
		for _, e := range events {
			if e.Kind == event.Lost && e.Loss == nil || e.Kind == event.Summary && e.Totals == nil {
				t.Errorf("%+v", e)
			}
		}
	})
}

// TestWrongLengthCostsNoMemory checks that a block that claims to be large is not allocated.
func TestWrongLengthCostsNoMemory(t *testing.T) {
	data := record(t, testRun, nil)
	data = order.AppendUint32(order.AppendUint32(data, packetBlock), maxBlock)
	r, err := NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); !errors.Is(err, ErrTruncated) || cap(r.body) > 4*fillStep {
		t.Errorf("%d bytes for a block, error %v", cap(r.body), err)
	}
}
