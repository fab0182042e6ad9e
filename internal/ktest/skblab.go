// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
)

// SkbLab runs a program of tracer on an sk_buff that a test builds, and reads its records.
type SkbLab struct {
	*Skb
	// Maps are the maps of the programs.
	Maps    map[string]*ebpf.Map
	program *ebpf.Program
	records *ringbuf.Reader
}

// NewSkbLab loads the programs of tracer. [SkbLab.Look] runs the one with this name.
func NewSkbLab(t testing.TB, spec *ebpf.CollectionSpec, name string) *SkbLab {
	t.Helper()
	l := &SkbLab{Skb: NewSkb(t)}
	collection, err := ebpf.NewCollection(spec)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	t.Cleanup(collection.Close)
	must(t, collection.Variables["running"].Set(uint32(1)))
	l.program, l.Maps = collection.Programs[name], collection.Maps
	l.records, err = ringbuf.NewReader(ringOf(collection))
	must(t, err)
	t.Cleanup(func() { l.records.Close() })
	l.records.SetDeadline(time.Unix(1, 0)) // in the past: records are available at once
	return l
}

// ringOf returns the ring buffer of our programs; they have one.
func ringOf(collection *ebpf.Collection) *ebpf.Map {
	for _, m := range collection.Maps {
		if m.Type() == ebpf.RingBuf {
			return m
		}
	}
	return nil
}

// Look returns the record that the program emits for the sk_buff; nil if it emits none.
func (l *SkbLab) Look(t testing.TB, state SkbState) []byte {
	t.Helper()
	l.Put(t, state)
	l.Run(t, l.program)
	record, err := l.records.Read()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	must(t, err)
	return record.RawSample
}
