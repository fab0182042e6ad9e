// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"tracer/internal/event"
)

// visit is an event of a test: a function, a device and a packet.
func visit(i int, fn, device string, f frame) *event.Event {
	e := &event.Event{
		Kind: event.Function, Time: uint64(6000 + i*1000), CPU: uint32(i % 2), Skb: 0xffff888003c1a400, Addr: 0xffffffff81000000 + uint64(i),
		Process: event.Process{PID: 42, TID: 42}, Meta: event.Meta{Netns: 4026531840, Ifindex: 2, MTU: 1500, Len: uint32(len(f.data)), Protocol: 0x800},
		Names: event.Names{Func: fn}, Bytes: &event.Bytes{Type: f.kind, Len: uint32(len(f.data)), Data: f.data},
	}
	copy(e.Process.Comm[:], "nginx")
	copy(e.Meta.Ifname[:], device)
	e.Names.WallTime = testRun.Start + int64(e.Time)
	return e
}

// visits has each frame, at changing functions and devices, with a loss marker, a drop, and a tag outside of the frame.
func visits() (events []*event.Event) {
	for i, f := range frames {
		events = append(events, visit(i, []string{"ip_rcv", "ip_output"}[i%2], []string{"eth0", "veth\x1b0"}[i/2%2], f))
	}
	events[3].Kind = event.Tracepoint
	events[3].Names.Func, events[3].Names.Reason = "kfree_skb", "SKB_DROP_REASON_NO_SOCKET"
	events[3].Drop = event.Drop{Dropped: true, HasReason: true, Reason: 3}
	events[3].Why = &event.Why{Cause: "no-listener", Text: "no socket listens on port 53"}
	events[1].Bytes.TagType, events[1].Bytes.Tag = 0x8100, 9
	events[5].Bytes = nil
	return slices.Concat(events[:2], []*event.Event{lost(5)}, events[2:], []*event.Event{lost(2), summary()})
}

func visitsFile(t *testing.T) (path string, data []byte) {
	t.Helper()
	path, data = filepath.Join(t.TempDir(), "t.pcapng"), record(t, testRun, visits())
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, data
}

func onlyPackets(events []*event.Event) []*event.Event {
	return slices.DeleteFunc(events, func(e *event.Event) bool { return e.Kind == event.Lost || e.Kind == event.Summary })
}

// TestTsharkReads checks number, time, interface, comment, length and protocols of each frame.
func TestTsharkReads(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Fatalf("%v: run .ci/install test", err)
	}
	path, _ := visitsFile(t)
	fields := []string{"frame.number", "frame.time_epoch", "frame.interface_name", "frame.interface_description", "frame.comment", "frame.cap_len", "frame.protocols", "vlan.id"}
	args := []string{"-r", path, "-T", "fields", "-E", "separator=;"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	var errors bytes.Buffer
	cmd := exec.Command(tshark, args...)
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errors.Bytes())
	}
	rows := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	events := onlyPackets(visits())
	if len(rows) != len(events) {
		t.Fatalf("%d frames, want %d:\n%s", len(rows), len(events), out)
	}
	for i, row := range rows {
		column := strings.Split(row, ";")
		e := events[i]
		wall := fmt.Sprintf("%d.%09d", e.Names.WallTime/1e9, e.Names.WallTime%1e9)
		name := string(appendFunc(nil, e.Kind, e.Names.Func))
		if column[0] != fmt.Sprint(i+1) || column[1] != wall || column[2] != name || !strings.Contains(column[3], "namespace 4026531840") || column[4] != string(appendComment(nil, e)) {
			t.Errorf("frame %d: %q", i+1, column)
		}
		if strings.Contains(column[6], "malformed") {
			t.Errorf("frame %d is malformed: %q", i+1, column)
		}
	}
	for i, part := range map[int]string{0: "eth:ethertype:ip:tcp", 1: "eth:ethertype:vlan:ethertype:ip:udp", 3: "raw:ip:udp", 4: "raw:ipv6:udp", 8: "vxlan:eth:ethertype:ip:tcp"} {
		if !strings.Contains(rows[i], part) {
			t.Errorf("frame %d has no %s: %s", i+1, part, rows[i])
		}
	}
	if want := "tp:kfree_skb SKB_DROP_REASON_NO_SOCKET, no-listener: no socket listens on port 53 nginx[42]"; !strings.Contains(rows[3], want) {
		t.Errorf("%q has no %q", rows[3], want)
	}
}

// TestCapinfosReads checks the numbers of packets and interfaces.
func TestCapinfosReads(t *testing.T) {
	capinfos, err := exec.LookPath("capinfos")
	if err != nil {
		t.Fatalf("%v: run .ci/install test", err)
	}
	path, _ := visitsFile(t)
	out, err := exec.Command(capinfos, path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, part := range []string{fmt.Sprintf("Number of packets:   %d", len(frames)), "Capture application: tracer 1.0", "nanoseconds", "Linux 6.12"} {
		if !strings.Contains(string(out), part) {
			t.Errorf("no %q in\n%s", part, out)
		}
	}
}

// TestGopacketReads checks link types, interfaces and comments.
func TestGopacketReads(t *testing.T) {
	_, data := visitsFile(t)
	r, err := pcapgo.NewNgReader(bytes.NewReader(data), pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range onlyPackets(visits()) {
		packet, info, o, err := r.ReadPacketDataWithOptions()
		if err != nil {
			t.Fatalf("packet %d: %v", i+1, err)
		}
		nic, err := r.Interface(info.InterfaceIndex)
		if err != nil || nic.Name != string(appendFunc(nil, e.Kind, e.Names.Func)) || len(o.Comments) != 1 || o.Comments[0] != string(appendComment(nil, e)) {
			t.Errorf("packet %d: interface %+v, comments %q, error %v", i+1, nic, o.Comments, err)
		}
		if info.Timestamp.UnixNano() != e.Names.WallTime {
			t.Errorf("packet %d: time %d, want %d", i+1, info.Timestamp.UnixNano(), e.Names.WallTime)
		}
		if link := map[bool]layers.LinkType{true: layers.LinkTypeEthernet, false: layers.LinkTypeRaw}[e.Bytes != nil && e.Bytes.Type == 0]; nic.LinkType != link {
			t.Errorf("packet %d: link type %s, want %s", i+1, nic.LinkType, link)
		}
		if i == 0 && gopacket.NewPacket(packet, nic.LinkType, gopacket.Default).TransportLayer() == nil {
			t.Error("no TCP header")
		}
	}
}

// TestPayloadIsNotWritten checks that no payload is in the file, unless it is asked for.
func TestPayloadIsNotWritten(t *testing.T) {
	if bytes.Contains(record(t, testRun, visits()), []byte("pppp")) {
		t.Error("the recording has payload")
	}
	run := testRun
	run.Snaplen = 1000
	if !bytes.Contains(record(t, run, visits()), []byte(payload)) {
		t.Error("the recording has no payload, although it was asked for")
	}
}

// TestNamesAreEscaped checks that no control character of a name is in the file.
func TestNamesAreEscaped(t *testing.T) {
	e := visit(0, "ip_rcv", "e\x1b[0", frames[0])
	e.Names.Netns, e.Process.Comm = "n\x1b", [16]byte{'c', 0x1b, 'x'}
	e.Why = &event.Why{Cause: "x", Text: "t\x1b"}
	if text := appendComment(nil, e); bytes.ContainsRune(text, 0x1b) {
		t.Errorf("%q", text)
	}
	w, err := NewWriter(testRun)
	if err != nil {
		t.Fatal(err)
	}
	if about := w.about(); bytes.ContainsRune(about, 0x1b) {
		t.Errorf("%q", about)
	}
}

// TestBytesPerEvent checks the size of the events of a packet that passes through functions: with headers and without a
// stack, 150 bytes at most.
func TestBytesPerEvent(t *testing.T) {
	for _, f := range []frame{frames[0], frames[1], frames[2], frames[3]} {
		const packets, functions = 100, 60
		var events []*event.Event
		for p := range packets {
			for i := range functions {
				e := visit(p*functions+i, fmt.Sprint("ip_finish_output", i), "eth0", f)
				e.Skb += uint64(p * 256)
				e.Tuple = event.Tuple{Network: event.IPv4, SourcePort: uint16(p), DestPort: 443, Ports: true}
				e.Names.SinceLast = uint64(500 + 13*i)
				e.Addr = 0xffffffff81000000 + uint64(i)
				events = append(events, e)
			}
		}
		size := float64(len(record(t, testRun, events))) / float64(len(events))
		t.Logf("%s: %.1f bytes an event", f.name, size)
		if size > 150 {
			t.Errorf("%s: %.1f bytes an event", f.name, size)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	events := onlyPackets(visits())
	w, err := NewWriter(testRun)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	size := 0
	for i := range b.N {
		e := events[i%4]
		e.Time = uint64(i) * 1000
		e.Names.WallTime = testRun.Start + int64(e.Time)
		if err := w.Take(e); err != nil {
			b.Fatal(err)
		}
		if len(w.Data()) > 1<<16 {
			size += len(w.Data())
			w.Reset()
		}
	}
	b.ReportMetric(float64(size)/float64(b.N), "B/event")
}

// TestMillion writes and reads a million events.
func TestMillion(t *testing.T) {
	if testing.Short() {
		t.Skip("writes and reads a million events")
	}
	const n = 1_000_000
	events := onlyPackets(visits())
	w, err := NewWriter(testRun)
	if err != nil {
		t.Fatal(err)
	}
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() {
		defer out.Close()
		for i := range n {
			e := events[i%len(events)]
			e.Time = uint64(i)
			if err := w.Take(e); err != nil {
				written <- err
				return
			}
			if len(w.Data()) > 1<<16 || i == n-1 {
				if _, err := out.Write(w.Data()); err != nil {
					written <- err
					return
				}
				w.Reset()
			}
		}
		written <- nil
	}()
	r, err := NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		e, err := r.Next()
		if err != nil || e.Time != uint64(i) || r.Number() != uint64(i+1) {
			t.Fatalf("event %d: %+v, error %v", i, e, err)
		}
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
}
