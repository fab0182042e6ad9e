// SPDX-License-Identifier: Apache-2.0

package capture

import (
	"encoding/binary"
	"errors"
	"fmt"

	"tracer/internal/event"
)

// tables are the values that stored events refer to.
type tables struct {
	what      list[event.Event]
	processes list[event.Process]
	places    list[place]
	tuples    list[event.Tuple]
	skbs      list[uint64]
	lineages  list[event.Lineage]
	cpu, len  uint32
	time      uint64
	offset    int64
	// current is the event that is returned.
	current event.Event
}

var errEvent = errors.New("an event is not as tracer stores it")

// cursor reads numbers from a stored event. After the end, it returns zeros, and short is set.
type cursor struct {
	rest  []byte
	short bool
}

func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.rest)
	if n <= 0 {
		c.rest, c.short = nil, true
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

func (c *cursor) varint() int64 {
	v, n := binary.Varint(c.rest)
	if n <= 0 {
		c.rest, c.short = nil, true
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

func (c *cursor) take(n uint64) []byte {
	if n > uint64(len(c.rest)) {
		c.rest, c.short = nil, true
		return nil
	}
	taken := c.rest[:n]
	c.rest = c.rest[n:]
	return taken
}

// event returns a stored event, and the bits about its packet. It is valid until the next call.
func (t *tables) event(stored []byte) (e *event.Event, about uint64, err error) {
	c := cursor{rest: stored}
	bits := c.uvarint()
	if bits&^allBits != 0 {
		return nil, 0, errEvent
	}
	interval := uint64(c.varint())
	t.time += interval
	for _, position := range positions {
		if err := t.resolve(position, bits>>position&3, &c); err != nil {
			return nil, 0, err
		}
	}
	switch {
	case bits&hasInterval != 0:
		interval = c.uvarint()
	case bits&sameInterval == 0:
		interval = 0
	}
	if bits&hasCPU != 0 {
		t.cpu = uint32(c.uvarint())
	}
	if bits&hasLen != 0 {
		t.len = uint32(c.uvarint())
	}
	if bits&hasOffset != 0 {
		t.offset += c.varint()
	}
	if c.short {
		return nil, 0, errEvent
	}
	e = &t.current
	*e = event.Event{}
	if bits&hasRest != 0 {
		if e, err = event.Decode(c.rest); err != nil {
			return nil, 0, err
		}
	}
	t.complete(e)
	e.Names.SinceLast = interval
	if e.Kind == 0 || e.Kind == event.Lost || e.Kind == event.Summary {
		return nil, 0, fmt.Errorf("a packet with an event of kind %s", e.Kind)
	}
	return e, bits & (outerTag | madeUp), nil
}

// resolve makes the value that an event refers to the last one of its table.
func (t *tables) resolve(position int, way uint64, c *cursor) error {
	switch way {
	case asBefore:
		return nil
	case numbered:
		if !t.choose(position, c.uvarint()) || c.short {
			return errEvent
		}
		return nil
	case defined:
		data := c.take(c.uvarint())
		if c.short {
			return errEvent
		}
		d, err := event.Decode(data)
		if err != nil {
			return err
		}
		t.define(position, d)
		return nil
	}
	return errEvent
}

func (t *tables) choose(position int, number uint64) bool {
	switch position {
	case ofWhat:
		return t.what.choose(number)
	case ofProcess:
		return t.processes.choose(number)
	case ofPlace:
		return t.places.choose(number)
	case ofTuple:
		return t.tuples.choose(number)
	case ofSkb:
		return t.skbs.choose(number)
	}
	return t.lineages.choose(number)
}

func (t *tables) define(position int, d *event.Event) {
	switch position {
	case ofWhat:
		t.what.define(*d)
	case ofProcess:
		t.processes.define(d.Process)
	case ofPlace:
		t.places.define(place{d.Meta, d.Names.Netns})
	case ofTuple:
		t.tuples.define(d.Tuple)
	case ofSkb:
		t.skbs.define(d.Skb)
	case ofLineage:
		t.lineages.define(d.Lineage)
	}
}

// complete sets the members that are not in the rest of an event.
func (t *tables) complete(e *event.Event) {
	w := &t.what.last
	e.Kind, e.TailCalled, e.Addr, e.Names.Func, e.Names.Module = w.Kind, w.TailCalled, w.Addr, w.Names.Func, w.Names.Module
	e.Process, e.Tuple, e.Skb, e.Lineage = t.processes.last, t.tuples.last, t.skbs.last, t.lineages.last
	e.Meta, e.Names.Netns = t.places.last.meta, t.places.last.netns
	e.Meta.Len = t.len
	e.CPU, e.Time = t.cpu, t.time
	e.Names.WallTime = int64(t.time) + t.offset
}
