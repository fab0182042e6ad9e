// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"bytes"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"testing"
)

// layer is a header as dissected by tshark. A field is the value on the wire in hexadecimal, or the text
// that tshark shows if it has no value.
type layer struct {
	name   string
	fields map[string]string
	// at and end are the offsets in the frame at which it begins and ends.
	at, end int
}

// dissected are the layers of a frame, outermost first. Packets that ICMP messages quote are left out.
type dissected []layer

// protocols are the protocols that tshark shows.
const protocols = "eth vlan ieee8021ad llc arp ip ipv6 ah udp udplite tcp sctp dccp icmp icmpv6 vxlan vxlan_gpe geneve gre mpls ppp pppoes nsh"

// dissect runs tshark on all frames.
func dissect(t *testing.T, frames [][]byte) []dissected {
	t.Helper()
	cmd := exec.Command(tshark(t), "-n", "-r", "-", "-T", "pdml", "-J", protocols)
	// Frames are not reassembled, and a length of 0 means one that is too large for the field.
	for _, o := range []string{
		"ip.defragment:FALSE", "ipv6.defragment:FALSE", "ip.tso_support:TRUE", "ipv6.tso_support:TRUE",
		"tcp.desegment_tcp_streams:FALSE", "tcp.analyze_sequence_numbers:FALSE", "sctp.reassembly:FALSE",
	} {
		cmd.Args = append(cmd.Args, "-o", o)
	}
	var complaints bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(pcapFile(frames)), &complaints
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	all, err := readPDML(out)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		t.Fatalf("tshark: %v\n%s", err, &complaints)
	}
	if len(all) != len(frames) {
		t.Fatalf("tshark saw %d of %d frames", len(all), len(frames))
	}
	return all
}

// tshark returns the path of tshark.
func tshark(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("tshark")
	if err != nil {
		t.Fatalf("%v: run .ci/install test", err)
	}
	return path
}

// pcapFile returns a capture file with the frames.
func pcapFile(frames [][]byte) []byte {
	const ethernet, most = 1, 1 << 16
	order := binary.LittleEndian
	var b []byte
	for _, word := range []uint32{0xa1b2c3d4, 4<<16 | 2, 0, 0, most, ethernet} {
		b = order.AppendUint32(b, word)
	}
	for i, frame := range frames {
		for _, word := range []uint32{uint32(i), 0, uint32(len(frame)), uint32(len(frame))} {
			b = order.AppendUint32(b, word)
		}
		b = append(b, frame...)
	}
	return b
}

// pdmlElement is a proto or field element of tshark's XML output (PDML).
type pdmlElement struct {
	XMLName  xml.Name
	Name     string        `xml:"name,attr"`
	Show     string        `xml:"show,attr"`
	Value    string        `xml:"value,attr"`
	At       int           `xml:"pos,attr"`
	Size     int           `xml:"size,attr"`
	Elements []pdmlElement `xml:",any"`
}

func readPDML(r io.Reader) (all []dissected, err error) {
	d := xml.NewDecoder(r)
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "packet" {
			continue
		}
		var packet pdmlElement
		if err := d.DecodeElement(&packet, &start); err != nil {
			return nil, fmt.Errorf("packet %d: %w", len(all), err)
		}
		all = append(all, layersIn(packet.Elements))
	}
}

// layersIn returns the layers of proto elements, including nested ones such as extension headers.
func layersIn(elements []pdmlElement) (layers dissected) {
	for _, e := range elements {
		switch e.Name {
		case "geninfo", "frame":
			continue
		}
		if e.XMLName.Local != "proto" {
			continue
		}
		l := layer{e.Name, map[string]string{}, e.At, e.At + e.Size}
		l.add(e.Elements)
		layers = append(layers, l)
		if e.Name != "icmp" && e.Name != "icmpv6" {
			layers = append(layers, layersIn(e.Elements)...)
		}
	}
	return layers
}

// add records the first value of each field.
func (l layer) add(elements []pdmlElement) {
	for _, e := range elements {
		if e.XMLName.Local == "proto" {
			continue
		}
		if _, known := l.fields[e.Name]; !known && e.Name != "" {
			l.fields[e.Name] = e.Value
			if e.Value == "" {
				l.fields[e.Name] = e.Show
			}
		}
		l.add(e.Elements)
	}
}
