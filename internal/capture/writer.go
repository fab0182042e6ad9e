// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"unsafe"

	"tracer/internal/event"
	"tracer/internal/printable"
)

// Writer appends the blocks of a recording to Data. The caller writes Data to a file and empties it. It is for one
// goroutine.
type Writer struct {
	blocks
	run        Run
	make       maker
	what       table[what]
	processes  table[event.Process]
	places     table[place]
	tuples     table[event.Tuple]
	skbs       table[uint64]
	lineages   table[event.Lineage]
	versions   event.Versions
	interfaces map[netdev]uint32
	recent     [recents]recent
	markers    [][]byte
	cpu, len   uint32
	time       uint64
	offset     int64
	cbor       bytes.Buffer
	stored     []byte
}

// what is the section of an event that says what was hit.
type what struct {
	kind       event.Kind
	tailCalled bool
	addr       uint64
	fn, module string
}

// place is the metadata of an event, with the name of the namespace.
type place struct {
	meta  event.Meta
	netns string
}

// netdev is an interface of the file: a function at a network device.
type netdev struct {
	kind    event.Kind
	fn      string
	ifname  [16]byte
	ifindex uint32
	netns   uint32
	link    uint16
}

// maxInterfaces is the number of interfaces in a file. Further functions at devices share the last one.
const maxInterfaces = 1 << 16

// NewWriter returns a writer that has begun a file.
func NewWriter(r Run) (*Writer, error) {
	w := &Writer{run: r, make: maker{snaplen: int(r.Snaplen)}}
	w.run.Version = Version
	return w, w.begin()
}

// Data returns what was written since Reset.
func (w *Writer) Data() []byte { return w.data }

// Reset empties Data.
func (w *Writer) Reset() { w.data = w.data[:0] }

// Next ends the file, and begins the next one of the set. The caller writes what end returns to the old file, and Data to
// the new one.
func (w *Writer) Next() (end []byte, err error) {
	w.statistics(func() { w.option(nextOption, nil) })
	end = bytes.Clone(w.data)
	w.Reset()
	w.run.File++
	return end, w.begin()
}

// begin writes the section header, and forgets what refers to a previous file.
func (w *Writer) begin() error {
	w.what, w.processes, w.places = table[what]{}, table[event.Process]{}, table[place]{}
	w.tuples, w.skbs, w.lineages = table[event.Tuple]{}, table[uint64]{}, table[event.Lineage]{}
	w.versions, w.interfaces = event.Versions{}, make(map[netdev]uint32)
	w.cpu, w.len, w.time, w.offset = 0, 0, 0, 0
	w.recent = [recents]recent{}
	run, err := runEncoding.Marshal(w.run)
	if err != nil {
		return fmt.Errorf("description of the run: %w", err)
	}
	if len(run) > maxOption {
		return fmt.Errorf("description of the run: %d bytes, more than an option of pcapng can have", len(run))
	}
	w.open(sectionBlock)
	w.u32(byteOrderMagic)
	w.u16(1)
	w.u16(0)
	w.u64(1<<64 - 1)
	w.option(hardwareOption, []byte(printable.Text(w.run.Machine)))
	w.option(systemOption, []byte(printable.Text("Linux "+w.run.Kernel)))
	w.option(applicationOption, []byte(printable.Text("tracer "+w.run.Tracer)))
	w.option(commentOption, w.about())
	w.option(runOption, run)
	w.close()
	w.describe("tracer", "events without a packet", linkRaw)
	return nil
}

// about is the comment of the file.
func (w *Writer) about() []byte {
	text := "tracer on " + w.run.Host + ":"
	for _, arg := range w.run.Command {
		text += " " + arg
	}
	return []byte(printable.Text(text))
}

// describe writes the description of an interface.
func (w *Writer) describe(name, description string, link uint16) {
	w.open(interfaceBlock)
	w.u16(link)
	w.u16(0)
	w.u32(w.run.Snaplen)
	w.option(nameOption, []byte(printable.Text(name)))
	w.option(descriptionOption, []byte(printable.Text(description)))
	w.option(resolutionOption, []byte{9})
	w.close()
}

// Take writes an event of any kind. A loss marker is kept until the next event, or until Mark.
func (w *Writer) Take(e *event.Event) error {
	switch e.Kind {
	case event.Lost:
		w.run.Lost += e.Loss.Count
		data, err := w.encode(e)
		w.markers = append(w.markers, bytes.Clone(data))
		return err
	case event.Summary:
		data, err := w.encode(e)
		w.statistics(func() { w.long(summaryOption, data) })
		return err
	}
	return w.packet(e)
}

// Mark writes the loss markers that no event follows yet.
func (w *Writer) Mark() {
	if len(w.markers) > 0 {
		w.statistics(func() {})
	}
}

// statistics writes a block of statistics, which programs do not count as a packet, with the loss markers.
func (w *Writer) statistics(options func()) {
	w.open(statisticsBlock)
	w.u32(0)
	w.timestamp(w.wall(w.time, 0))
	w.writeMarkers()
	options()
	w.close()
}

func (w *Writer) writeMarkers() {
	for _, m := range w.markers {
		w.option(markerOption, m)
	}
	w.markers = w.markers[:0]
}

func (w *Writer) timestamp(wall int64) {
	w.u32(uint32(uint64(wall) >> 32))
	w.u32(uint32(wall))
}

// wall returns the time on the wall clock of an event, which has it in known unless that is 0.
func (w *Writer) wall(monotonic uint64, known int64) int64 {
	if known != 0 {
		return known
	}
	return w.run.Start + int64(monotonic-w.run.Monotonic)
}

// packet writes the block of an event about a packet.
func (w *Writer) packet(e *event.Event) error {
	p := w.make.packetOf(e)
	near := w.near(e)
	number := w.interfaceOf(e, p.link, near)
	stored, err := w.store(e, p.bits, near)
	if err != nil {
		return err
	}
	w.open(packetBlock)
	w.u32(number)
	w.timestamp(w.wall(e.Time, e.Names.WallTime))
	w.u32(uint32(len(p.front) + len(p.data)))
	w.u32(max(p.len, uint32(len(p.front)+len(p.data))))
	from := len(w.data)
	w.data = append(append(w.data, p.front...), p.data...)
	w.pad(from)
	at := w.openOption(commentOption)
	w.data = near.appendComment(w.data, e)
	w.data = w.data[:min(len(w.data), at+maxOption)]
	w.closeOption(at)
	if len(w.markers) > 0 {
		w.dropCount()
		w.writeMarkers()
	}
	w.long(eventOption, stored)
	w.close()
	w.run.Events++
	return nil
}

// recent has what was found for a function, so that most events need no look-up in a map of strings.
type recent struct {
	what   what
	number uint32
	// known means that what and number are valid in the current table.
	known  bool
	device netdev
	nic    uint32
	// comment is that of the last event that had no reason, cause or result, with process and netns.
	comment   []byte
	process   event.Process
	netns     string
	commented what
}

// recents is the number of functions that are remembered, a power of two.
const recents = 1 << 11

// near returns the place for the function of an event. Equal names have the same address, since they are those of the
// plan; others are only slower.
func (w *Writer) near(e *event.Event) *recent {
	address := uintptr(unsafe.Pointer(unsafe.StringData(e.Names.Func)))
	return &w.recent[(address>>3^address>>14^uintptr(e.Addr)>>4^uintptr(e.Kind)<<5)%recents]
}

// referWhat is refer of the table of functions.
func (w *Writer) referWhat(key what, near *recent) (way uint64, number uint32) {
	t := &w.what
	if near.known && key == near.what && t.any {
		if key == t.last {
			return asBefore, 0
		}
		t.last = key
		return numbered, near.number
	}
	emptied := len(t.numbers) >= maxTable
	if way, number = t.refer(key); way == defined {
		if emptied {
			w.recent = [recents]recent{}
		}
		number = t.numbers[key]
	}
	if way != asBefore {
		near.what, near.number, near.known = key, number, true
	}
	return way, number
}

// appendComment is appendComment for events of the same function and process, whose comment is the same.
func (r *recent) appendComment(dst []byte, e *event.Event) []byte {
	if e.Kind != event.Function && e.Kind != event.Tracepoint || e.Names.Reason != "" || e.Why != nil {
		return appendComment(dst, e)
	}
	if r.comment == nil || r.process != e.Process || r.netns != e.Names.Netns || !r.isOf(e) {
		r.comment = appendComment(r.comment[:0], e)
		r.process, r.netns, r.commented = e.Process, e.Names.Netns, what{kind: e.Kind, fn: e.Names.Func}
	}
	return append(dst, r.comment...)
}

func (r *recent) isOf(e *event.Event) bool {
	return r.commented.kind == e.Kind && r.commented.fn == e.Names.Func
}

// dropCount writes the number of lost events in the standard option, which other programs show.
func (w *Writer) dropCount() {
	var lost uint64
	for _, m := range w.markers {
		if e, err := event.Decode(m); err == nil {
			lost += e.Loss.Count
		}
	}
	var count [8]byte
	order.PutUint64(count[:], lost)
	w.option(dropCountOption, count[:])
}

// interfaceOf returns the number of the interface of an event, and describes it if it is new.
func (w *Writer) interfaceOf(e *event.Event, link uint16, near *recent) uint32 {
	key := netdev{e.Kind, e.Names.Func, e.Meta.Ifname, e.Meta.Ifindex, e.Meta.Netns, link}
	if key != near.device {
		near.device, near.nic = key, w.findInterface(e, key, link)
	}
	return near.nic
}

func (w *Writer) findInterface(e *event.Event, key netdev, link uint16) uint32 {
	if n, ok := w.interfaces[key]; ok {
		return n
	}
	if len(w.interfaces) >= maxInterfaces {
		key = netdev{link: link}
		if n, ok := w.interfaces[key]; ok {
			return n
		}
	}
	n := uint32(len(w.interfaces)) + 1
	w.interfaces[key] = n
	w.describe(string(appendFunc(nil, key.kind, key.fn)), key.description(e.Names.Netns), link)
	return n
}

// description names the device and its network namespace.
func (n netdev) description(netns string) string {
	text := "no device"
	if n.ifindex != 0 {
		text = fmt.Sprintf("%s, index %d", event.CString(n.ifname[:]), n.ifindex)
	}
	if n.netns != 0 {
		text += fmt.Sprintf(", network namespace %d", n.netns)
	}
	if netns != "" {
		text += " " + netns
	}
	return text
}

// appendFunc appends the name of a function, with a prefix for what is none.
func appendFunc(dst []byte, kind event.Kind, fn string) []byte {
	switch kind {
	case event.Tracepoint:
		dst = append(dst, "tp:"...)
	case event.Program, event.Verdict:
		dst = append(dst, "bpf:"...)
	case 0:
		return append(dst, "other functions"...)
	}
	return printable.Append(dst, fn)
}

// appendComment appends the comment of a packet: function, reason, cause, namespace and process.
func appendComment(dst []byte, e *event.Event) []byte {
	dst = appendFunc(dst, e.Kind, e.Names.Func)
	if e.Kind.IsReturn() || e.Kind == event.Verdict {
		dst = append(dst, " returns"...)
		if name := e.Names.Result.Name; name != "" {
			dst = printable.Append(append(dst, ' '), name)
		}
	}
	if e.Names.Reason != "" {
		dst = printable.Append(append(dst, ' '), e.Names.Reason)
	}
	if e.Why != nil {
		dst = printable.Append(append(dst, ", "...), e.Why.Cause)
		if e.Why.Text != "" {
			dst = printable.Append(append(dst, ": "...), e.Why.Text)
		}
	}
	if e.Names.Netns != "" {
		dst = printable.Append(append(dst, ", netns "...), e.Names.Netns)
	}
	if e.Process.PID == 0 && e.Process.Comm[0] == 0 {
		return dst
	}
	dst = printable.Append(append(dst, ' '), string(event.CString(e.Process.Comm[:])))
	dst = strconv.AppendUint(append(dst, '['), uint64(e.Process.PID), 10)
	return append(dst, ']')
}

// encode returns the stored form of an event, in memory that is reused.
func (w *Writer) encode(e *event.Event) ([]byte, error) {
	w.cbor.Reset()
	err := e.Encode(&w.cbor)
	return w.cbor.Bytes(), err
}

// The first number of a stored event has two bits for each section that is in a table, which are the way in which the
// event refers to its value, and bits for the presence of other members. Those that change most come first, so that the
// number is usually one byte.
const (
	ofWhat = 0
	// sameInterval means that SinceLast is the time since the previous event; hasInterval that it follows.
	sameInterval = 1 << 2
	hasInterval  = 1 << 3
	hasCPU       = 1 << 4
	ofSkb        = 5
	hasLen       = 1 << 7
	ofPlace      = 8
	ofTuple      = 10
	ofProcess    = 12
	ofLineage    = 14
	hasRest      = 1 << 16
	hasOffset    = 1 << 17
	// outerTag means that the VLAN tag of the packet was outside of it, madeUp that its Ethernet header is made up.
	outerTag = 1 << 18
	madeUp   = 1 << 19
	allBits  = 1<<20 - 1
)

// positions are the positions of the ways, in the order in which the values follow.
var positions = [...]int{ofWhat, ofSkb, ofPlace, ofTuple, ofProcess, ofLineage}

// refers has how an event refers to its sections. Numbers are at the positions.
type refers struct {
	bits    uint64
	numbers [ofLineage + 1]uint32
}

func (r *refers) set(position int, way uint64, number uint32) {
	r.bits |= way << position
	r.numbers[position] = number
}

// store returns the value of the option of an event, with bits about its packet. It is valid until the next call.
func (w *Writer) store(e *event.Event, bits uint64, near *recent) ([]byte, error) {
	r := refers{bits: bits}
	n := &e.Names
	way, number := w.referWhat(what{e.Kind, e.TailCalled, e.Addr, n.Func, n.Module}, near)
	r.set(ofWhat, way, number)
	way, number = w.processes.refer(e.Process)
	r.set(ofProcess, way, number)
	w.referVersioned(e, &r)
	way, number = w.skbs.refer(e.Skb)
	r.set(ofSkb, way, number)
	way, number = w.lineages.refer(e.Lineage)
	r.set(ofLineage, way, number)
	r.bits |= w.presence(e)
	return w.append(e, &r)
}

// referVersioned is store for the sections whose versions show that they have not changed.
func (w *Writer) referVersioned(e *event.Event, r *refers) {
	now := e.Raw.Versions
	if now.Meta == 0 || now.Meta != w.versions.Meta || e.Names.Netns != w.places.last.netns {
		at := place{e.Meta, e.Names.Netns}
		at.meta.Len = 0
		way, number := w.places.refer(at)
		r.set(ofPlace, way, number)
	}
	if now.Tuple == 0 || now.Tuple != w.versions.Tuple {
		way, number := w.tuples.refer(e.Tuple)
		r.set(ofTuple, way, number)
	}
	w.versions = now
}

// presence returns the bits of the members that are not in tables.
func (w *Writer) presence(e *event.Event) (bits uint64) {
	switch e.Names.SinceLast {
	case 0:
	case e.Time - w.time:
		bits |= sameInterval
	default:
		bits |= hasInterval
	}
	if e.CPU != w.cpu {
		bits |= hasCPU
	}
	if e.Meta.Len != w.len {
		bits |= hasLen
	}
	if hasMore(e) {
		bits |= hasRest
	}
	if e.Names.WallTime-int64(e.Time) != w.offset {
		bits |= hasOffset
	}
	return bits
}

// append writes the event to w.stored.
func (w *Writer) append(e *event.Event, r *refers) (out []byte, err error) {
	out = binary.AppendUvarint(w.stored[:0], r.bits)
	out = binary.AppendVarint(out, int64(e.Time-w.time))
	for _, position := range positions {
		switch r.bits >> position & 3 {
		case numbered:
			out = binary.AppendUvarint(out, uint64(r.numbers[position]))
		case defined:
			data, err := w.encode(definition(e, position))
			if err != nil {
				return nil, err
			}
			out = append(binary.AppendUvarint(out, uint64(len(data))), data...)
		}
	}
	if r.bits&hasInterval != 0 {
		out = binary.AppendUvarint(out, e.Names.SinceLast)
	}
	if r.bits&hasCPU != 0 {
		out = binary.AppendUvarint(out, uint64(e.CPU))
	}
	if r.bits&hasLen != 0 {
		out = binary.AppendUvarint(out, uint64(e.Meta.Len))
	}
	offset := e.Names.WallTime - int64(e.Time)
	if r.bits&hasOffset != 0 {
		out = binary.AppendVarint(out, offset-w.offset)
	}
	if r.bits&hasRest != 0 {
		data, err := w.encode(rest(e))
		if err != nil {
			return nil, err
		}
		out = append(out, data...)
	}
	w.cpu, w.len, w.time, w.offset, w.stored = e.CPU, e.Meta.Len, e.Time, offset, out
	return out, nil
}

// definition returns an event that has only the section at a position.
func definition(e *event.Event, position int) *event.Event {
	d := new(event.Event)
	switch position {
	case ofWhat:
		d.Kind, d.TailCalled, d.Addr, d.Names.Func, d.Names.Module = e.Kind, e.TailCalled, e.Addr, e.Names.Func, e.Names.Module
	case ofProcess:
		d.Process = e.Process
	case ofPlace:
		d.Meta, d.Names.Netns = e.Meta, e.Names.Netns
		d.Meta.Len = 0
	case ofTuple:
		d.Tuple = e.Tuple
	case ofSkb:
		d.Skb = e.Skb
	case ofLineage:
		d.Lineage = e.Lineage
	}
	return d
}

// hasMore reports whether rest is not empty.
func hasMore(e *event.Event) bool {
	n := &e.Names
	return e.Head != 0 || e.Drop != event.Drop{} || e.Return != event.Returned{} || n.Result != event.Result{} || n.Reason != "" ||
		n.Location != "" || n.Caller != "" || e.Tunnel != nil || e.First != nil || e.Netfilter != nil || e.Conntrack != nil ||
		e.Map != nil || e.CB != nil || e.Loss != nil || e.Totals != nil || e.BPF != nil || e.Lookup != nil || len(e.Stack) > 0 ||
		e.SkbDump != nil || e.SharedInfo != nil || len(e.Values) > 0 || len(e.XDPValues) > 0 || e.Why != nil
}

// rest returns an event with the members that are neither in a table nor written separately.
func rest(e *event.Event) *event.Event {
	r := *e
	r.Kind, r.TailCalled, r.Addr, r.Names.Func, r.Names.Module = 0, false, 0, "", ""
	r.Process, r.Meta, r.Tuple, r.Lineage, r.Names.Netns = event.Process{}, event.Meta{}, event.Tuple{}, event.Lineage{}, ""
	r.Skb, r.CPU, r.Time, r.Names.WallTime, r.Names.SinceLast = 0, 0, 0, 0, 0
	r.Bytes = nil
	return &r
}
