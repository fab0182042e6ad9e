// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"tracer/internal/event"
)

// Error is what is wrong with a file, and where. Everything before the offset was read.
type Error struct {
	// Offset is the position in the uncompressed file of the block that cannot be read.
	Offset int64
	Cause  error
}

func (e *Error) Error() string { return fmt.Sprintf("at byte %d: %v", e.Offset, e.Cause) }
func (e *Error) Unwrap() error { return e.Cause }

var (
	// ErrTruncated means that the file ends within a block.
	ErrTruncated = errors.New("the file ends within a block: it was truncated, or is still being written")
	// ErrUnfinished means that the file ends without a summary.
	ErrUnfinished = errors.New("the recording ends without a summary: it did not end normally, or is still being written; what it lost at its end is unknown")
	// ErrForeign means that the file has no events of tracer.
	ErrForeign = errors.New("is no recording of tracer")
)

// maxBlock is the largest size of a block that is read.
const maxBlock = 16 << 20

// Reader reads the events of one file. It is for one goroutine.
type Reader struct {
	in     *bufio.Reader
	order  binary.ByteOrder
	offset int64
	body   []byte
	run    *Run
	links  []uint16
	tables tables
	// waiting are markers, events and the Summary that Next has not returned.
	waiting []*event.Event
	next    int
	// summary is set after the Summary, and continued at the end of a file that another one continues.
	summary, continued bool
	number             uint64
}

// NewReader reads the beginning of a file, up to the description of the run.
func NewReader(in io.Reader) (*Reader, error) {
	r := &Reader{in: bufio.NewReaderSize(in, 1<<16), order: order}
	magic, err := r.in.Peek(4)
	switch {
	case len(magic) == 4 && binary.LittleEndian.Uint32(magic) != sectionBlock:
		return nil, &Error{0, ErrForeign}
	case errors.Is(err, io.EOF):
		return nil, &Error{0, errors.Join(ErrTruncated)}
	case err != nil:
		return nil, err
	}
	if err := r.block(); err != nil {
		return nil, r.wrong(err)
	}
	if r.run == nil {
		return nil, &Error{0, ErrForeign}
	}
	return r, nil
}

// Run returns the description of the run.
func (r *Reader) Run() *Run { return r.run }

// Number returns the number of the packet that Next returned last, from 1, as other programs count it.
func (r *Reader) Number() uint64 { return r.number }

// Continued reports whether the file ended where another one continues it.
func (r *Reader) Continued() bool { return r.continued }

// Next returns the next event. At a normal end, it returns io.EOF. Any other error is an [*Error] or one of the reader
// beneath. The event is valid until the next call.
func (r *Reader) Next() (*event.Event, error) {
	for r.next == len(r.waiting) {
		r.waiting, r.next = r.waiting[:0], 0
		if err := r.block(); err != nil {
			return nil, r.wrong(err)
		}
	}
	e := r.waiting[r.next]
	r.next++
	if e.Kind != event.Lost && e.Kind != event.Summary {
		r.number++
	}
	return e, nil
}

// wrong adds the offset to an error. The end of a file without a summary is one.
func (r *Reader) wrong(err error) error {
	switch {
	case errors.Is(err, io.EOF) && (r.summary || r.continued):
		return io.EOF
	case errors.Is(err, io.EOF):
		return &Error{r.offset, ErrUnfinished}
	}
	var input inputError
	if errors.As(err, &input) {
		return fmt.Errorf("at byte %d: %w", r.offset, input.error)
	}
	return &Error{r.offset, err}
}

// inputError is an error of the reader beneath.
type inputError struct{ error }

// block reads a block. It returns io.EOF at the end of the file.
func (r *Reader) block() error {
	kind, length, err := r.header()
	if err != nil {
		return err
	}
	if err := r.fill(length); err != nil {
		return err
	}
	if got := r.order.Uint32(r.body[length-4:]); int(got) != length {
		return fmt.Errorf("a block begins with the length %d and ends with %d", length, got)
	}
	if err := r.take(kind, r.body[8:length-4]); err != nil {
		return err
	}
	r.offset += int64(length)
	return nil
}

// fillStep is the size by which the memory for a block grows, so that a wrong length costs no memory.
const fillStep = 1 << 16

// fill reads length bytes into body.
func (r *Reader) fill(length int) error {
	r.body = r.body[:0]
	for len(r.body) < length {
		at, n := len(r.body), min(fillStep, length-len(r.body))
		r.body = slices.Grow(r.body, n)[:at+n]
		if _, err := io.ReadFull(r.in, r.body[at:]); err != nil {
			return truncated(err)
		}
	}
	return nil
}

func truncated(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrTruncated
	}
	return inputError{err}
}

// header looks at the type and the length of the next block.
func (r *Reader) header() (kind uint32, length int, err error) {
	b, err := r.in.Peek(8)
	switch {
	case len(b) == 0 && errors.Is(err, io.EOF):
		return 0, 0, io.EOF
	case err != nil:
		return 0, 0, truncated(err)
	}
	if binary.LittleEndian.Uint32(b) == sectionBlock {
		if err := r.chooseOrder(); err != nil {
			return 0, 0, err
		}
	}
	kind = r.order.Uint32(b)
	n := r.order.Uint32(b[4:])
	if n < minBlock || n%4 != 0 || n > maxBlock {
		return 0, 0, fmt.Errorf("a block has the length %d", n)
	}
	return kind, int(n), nil
}

// chooseOrder sets the byte order of a section.
func (r *Reader) chooseOrder() error {
	b, err := r.in.Peek(12)
	if err != nil {
		return truncated(err)
	}
	switch magic := b[8:]; {
	case binary.LittleEndian.Uint32(magic) == byteOrderMagic:
		r.order = binary.LittleEndian
	case binary.BigEndian.Uint32(magic) == byteOrderMagic:
		r.order = binary.BigEndian
	default:
		return fmt.Errorf("a section has the byte-order magic % x", magic)
	}
	return nil
}

// take reads the body of a block. It skips blocks of other types.
func (r *Reader) take(kind uint32, body []byte) error {
	switch kind {
	case sectionBlock:
		return r.section(body)
	case interfaceBlock:
		if len(body) < interfaceFixed {
			return errShort
		}
		r.links = append(r.links, r.order.Uint16(body))
	case packetBlock:
		return r.packet(body)
	case statisticsBlock:
		return r.statistics(body)
	}
	return nil
}

var errShort = errors.New("a block is too short for its type")

func (r *Reader) section(body []byte) error {
	if len(body) < sectionFixed {
		return errShort
	}
	o, err := r.options(body[sectionFixed:])
	if err != nil {
		return err
	}
	if o.run == nil {
		return ErrForeign
	}
	run, err := decodeRun(o.run)
	if err != nil {
		return err
	}
	if r.run != nil {
		return errors.New("a second section: the file has several recordings")
	}
	r.run = run
	return nil
}

// options are those that a recording has.
type options struct {
	run, event, summary []byte
	markers             [][]byte
	next                bool
}

// options reads the options of a block.
func (r *Reader) options(b []byte) (o options, err error) {
	for len(b) >= 4 {
		code, n := r.order.Uint16(b), int(r.order.Uint16(b[2:]))
		if code == endOption {
			break
		}
		padded := 4 + (n+3)&^3
		if padded > len(b) {
			return o, fmt.Errorf("the option %d has %d bytes, and the block only %d more", code, n, len(b)-4)
		}
		value := b[4 : 4+n]
		switch b = b[padded:]; code {
		case runOption:
			o.run = join(o.run, value)
		case eventOption:
			o.event = join(o.event, value)
		case summaryOption:
			o.summary = join(o.summary, value)
		case markerOption:
			o.markers = append(o.markers, value)
		case nextOption:
			o.next = true
		}
	}
	return o, nil
}

// join appends a further part of a value, without changing the block.
func join(value, part []byte) []byte {
	if value == nil {
		return part
	}
	return append(value[:len(value):len(value)], part...)
}

func (r *Reader) packet(body []byte) error {
	if len(body) < packetFixed {
		return errShort
	}
	number, size := r.order.Uint32(body), r.order.Uint32(body[12:])
	length := r.order.Uint32(body[16:])
	if uint64(number) >= uint64(len(r.links)) {
		return fmt.Errorf("a packet of interface %d, which is not described", number)
	}
	rest := body[packetFixed:]
	if padded := (uint64(size) + 3) &^ 3; padded > uint64(len(rest)) {
		return fmt.Errorf("a packet of %d bytes in a block with %d", size, len(rest))
	}
	data := rest[:size]
	o, err := r.options(rest[(size+3)&^3:])
	if err != nil {
		return err
	}
	if o.event == nil {
		return errors.New("a packet without an event: another program has rewritten the file")
	}
	if err := r.mark(o.markers); err != nil {
		return err
	}
	e, bits, err := r.tables.event(o.event)
	if err != nil {
		return err
	}
	if e.Bytes, err = bytesOf(r.links[number], data, length, bits); err != nil {
		return err
	}
	r.waiting = append(r.waiting, e)
	return nil
}

func (r *Reader) mark(markers [][]byte) error {
	for _, m := range markers {
		e, err := event.Decode(m)
		if err != nil {
			return err
		}
		if e.Kind != event.Lost || e.Loss == nil || e.Loss.Cause >= event.LossCauses {
			return errors.New("a loss marker that is none")
		}
		r.waiting = append(r.waiting, e)
	}
	return nil
}

func (r *Reader) statistics(body []byte) error {
	if len(body) < statisticsFixed {
		return errShort
	}
	o, err := r.options(body[statisticsFixed:])
	if err != nil {
		return err
	}
	if err := r.mark(o.markers); err != nil {
		return err
	}
	r.continued = r.continued || o.next
	if o.summary == nil {
		return nil
	}
	e, err := event.Decode(o.summary)
	if err != nil {
		return err
	}
	if e.Kind != event.Summary || e.Totals == nil {
		return errors.New("a summary that is none")
	}
	r.summary = true
	r.waiting = append(r.waiting, e)
	return nil
}
