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

// layer is a header as tshark sees it: the values of its fields, in hexadecimal as on the
// wire, or where there are none as it shows them.
type layer struct {
	name   string
	fields map[string]string
	// at and end are where it lies in the frame.
	at, end int
}

// dissected are the shown layers of a frame, from outside in. What is quoted in an ICMP message
// is left out.
type dissected []layer

// protocols are those that layers are kept of.
const protocols = "eth vlan ieee8021ad llc arp ip ipv6 ah udp udplite tcp sctp dccp icmp icmpv6 vxlan vxlan_gpe geneve gre mpls ppp pppoes nsh"

// dissect has tshark look at all frames.
func dissect(t *testing.T, frames [][]byte) []dissected {
	t.Helper()
	cmd := exec.Command(tshark(t), "-n", "-r", "-", "-T", "pdml", "-J", protocols)
	// Each frame for itself, and lengths of 0 stand for those that a field can't hold.
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

// tshark is where it is.
func tshark(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("tshark")
	if err != nil {
		t.Fatalf("%v: run .ci/install test", err)
	}
	return path
}

// pcapFile is a capture of the frames.
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

// pdmlElement is a proto or a field of tshark's details.
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

// layersIn are the layers of protos, also of those within one, such as extension headers.
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

// add notes the first value of each field.
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
