// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

func tcp(flags uint8) event.Tuple {
	t := ip4(6, ports(80, 81))
	t.HasTCPFlags, t.TCPFlags, t.TCP = true, flags, event.TCP{Recorded: true, Seq: 4294967295, Ack: 2, Window: 64240}
	return t
}

const tcpHead = `{"network":"ipv4","saddr":"10.0.2.15","daddr":"8.8.8.8","sport":80,"dport":81,"proto":6,"protocol":"tcp",`

func TestTCPFlags(t *testing.T) {
	for flags, want := range map[uint8]string{
		0: "tcp", 0x02: "tcp:SYN", 0x12: "tcp:SYN|ACK", 0xff: "tcp:FIN|SYN|RST|PSH|ACK|URG|ECE|CWR",
	} {
		tuple := tcp(flags)
		text, _ := cellOf(t, Options{TCPFlags: true}, "tuple", event.Event{Tuple: tuple})
		if want := "10.0.2.15:80->8.8.8.8:81(" + want + ")"; text != want {
			t.Errorf("flags %#x: %q, want %q", flags, text, want)
		}
	}
}

func TestTCPSeq(t *testing.T) {
	const numbers = `"seq":4294967295,"ack":2,"window":64240,"fragment":false}`
	for flags, want := range map[uint8][2]string{
		0x12: {"(tcp:SYN|ACK,seq=4294967295,ack=2,win=64240)", tcpHead + `"flags":18,"tcp_flags":"SYN|ACK",` + numbers},
		0:    {"(tcp,seq=4294967295,ack=2,win=64240)", tcpHead + `"flags":0,"tcp_flags":"",` + numbers},
	} {
		checkCellOf(t, Options{TCPSeq: true}, "tuple", event.Event{Tuple: tcp(flags)}, "10.0.2.15:80->8.8.8.8:81"+want[0], want[1])
	}
}

func TestTCPWithoutNumbers(t *testing.T) {
	tuple := tcp(0x10)
	tuple.TCP = event.TCP{}
	checkCellOf(t, Options{TCPSeq: true}, "tuple", event.Event{Tuple: tuple}, "10.0.2.15:80->8.8.8.8:81(tcp:ACK)",
		tcpHead+`"flags":16,"tcp_flags":"ACK","fragment":false}`)
}

// TestNoTCPHeader checks that a later fragment has no flags, ports and sequence numbers.
func TestNoTCPHeader(t *testing.T) {
	tuple := tcp(0x10)
	tuple.Ports, tuple.HasTCPFlags, tuple.Fragment, tuple.FragmentOffset = false, false, true, 1480
	checkCellOf(t, Options{TCPSeq: true}, "tuple", event.Event{Tuple: tuple}, "10.0.2.15->8.8.8.8(tcp,frag=1480)",
		`{"network":"ipv4","saddr":"10.0.2.15","daddr":"8.8.8.8","proto":6,"protocol":"tcp","fragment":true,"fragment_offset":1480}`)
}

// TestTruncatedTCP checks packets that end after the ports, or after the flags.
func TestTruncatedTCP(t *testing.T) {
	tuple := ip4(6, ports(80, 81))
	checkCellOf(t, Options{TCPSeq: true}, "tuple", event.Event{Tuple: tuple}, "10.0.2.15:80->8.8.8.8:81(tcp)", tcpHead+`"fragment":false}`)
	tuple.HasTCPFlags, tuple.TCPFlags = true, 2
	checkCellOf(t, Options{TCPSeq: true}, "tuple", event.Event{Tuple: tuple}, "10.0.2.15:80->8.8.8.8:81(tcp:SYN)",
		tcpHead+`"flags":2,"tcp_flags":"SYN","fragment":false}`)
}
