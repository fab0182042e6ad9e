// SPDX-License-Identifier: Apache-2.0

// Package capture reads and writes recordings: pcapng files that other programs open as packets, and that keep
// every event without loss. docs/capture-file.md describes the format.
//
// The framing is written by hand: pcapgo.NgWriter of gopacket (1.7.7) writes no options but those that it knows, its
// reader skips the others, and a recording keeps its events in such options. The tests read files with gopacket,
// tshark and capinfos.
package capture

import "encoding/binary"

// The types of blocks.
const (
	sectionBlock    = 0x0a0d0d0a
	interfaceBlock  = 1
	statisticsBlock = 5
	packetBlock     = 6
)

const (
	byteOrderMagic = 0x1a2b3c4d
	// minBlock is the size of a block without a body: type, length, length.
	minBlock = 12
	// sectionFixed, packetFixed and others are the sizes of the members before the options, without type and length.
	sectionFixed    = 16
	interfaceFixed  = 8
	packetFixed     = 20
	statisticsFixed = 12
)

// The codes of options.
const (
	endOption     = 0
	commentOption = 1
	// Of a section.
	hardwareOption    = 2
	systemOption      = 3
	applicationOption = 4
	// Of an interface.
	nameOption        = 2
	descriptionOption = 3
	resolutionOption  = 9
	// Of a packet.
	dropCountOption = 4

	// Options for local use, whose codes have the highest bit set. All are CBOR, except that of an event.
	runOption     = 0x8001 // of a section: the Run
	eventOption   = 0x8002 // of a packet: the event
	markerOption  = 0x8003 // of a packet or statistics: a loss marker before it
	summaryOption = 0x8004 // of statistics: the Summary
	nextOption    = 0x8005 // of statistics: the recording continues in another file
)

// The link types of interfaces.
const (
	linkEthernet = 1
	linkRaw      = 101
)

// order is the byte order of the files that are written. Those of the other order are read, too.
var order = binary.LittleEndian

// blocks appends blocks to a buffer.
type blocks struct {
	data []byte
	// begin is the offset of the block that is being written.
	begin int
}

func (b *blocks) u16(v uint16) { b.data = order.AppendUint16(b.data, v) }
func (b *blocks) u32(v uint32) { b.data = order.AppendUint32(b.data, v) }
func (b *blocks) u64(v uint64) { b.data = order.AppendUint64(b.data, v) }

// open begins a block.
func (b *blocks) open(kind uint32) {
	b.begin = len(b.data)
	b.u32(kind)
	b.u32(0)
}

// close ends the options and the block, and writes its length.
func (b *blocks) close() {
	b.u32(endOption)
	length := uint32(len(b.data) - b.begin + 4)
	order.PutUint32(b.data[b.begin+4:], length)
	b.u32(length)
}

// pad appends zeros up to a multiple of four bytes. Blocks begin at such offsets of the buffer or not, so the padding
// counts from from.
func (b *blocks) pad(from int) {
	for (len(b.data)-from)%4 != 0 {
		b.data = append(b.data, 0)
	}
}

// maxOption is the largest size of an option's value.
const maxOption = 1<<16 - 1

// option appends an option. A value that is too long is cut, which only happens to texts.
func (b *blocks) option(code uint16, value []byte) {
	value = value[:min(len(value), maxOption)]
	b.u16(code)
	b.u16(uint16(len(value)))
	from := len(b.data)
	b.data = append(b.data, value...)
	b.pad(from)
}

// long appends a value that may need several options. A reader joins options with the same code.
func (b *blocks) long(code uint16, value []byte) {
	for len(value) > maxOption {
		b.option(code, value[:maxOption])
		value = value[maxOption:]
	}
	b.option(code, value)
}

// openOption begins an option whose value is appended to data; closeOption ends it.
func (b *blocks) openOption(code uint16) (begin int) {
	b.u16(code)
	b.u16(0)
	return len(b.data)
}

func (b *blocks) closeOption(begin int) {
	order.PutUint16(b.data[begin-2:], uint16(len(b.data)-begin))
	b.pad(begin)
}
