// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"errors"
	"io"
	"syscall"
	"testing"

	"tracer/internal/event"
)

// counter counts writes and bytes.
type counter struct{ writes, bytes int }

func (c *counter) Write(p []byte) (int, error) {
	c.writes++
	c.bytes += len(p)
	return len(p), nil
}

func both(t *testing.T, run func(t *testing.T, o Options)) {
	t.Run("text", func(t *testing.T) { run(t, Options{Columns: everything}) })
	t.Run("json", func(t *testing.T) { run(t, Options{JSON: true, Columns: everything}) })
}

func TestSinksAllocateNothing(t *testing.T) {
	both(t, func(t *testing.T, o Options) {
		x, all := New(io.Discard, o), samples()
		if n := testing.AllocsPerRun(200, func() { takeAll(t, x, all) }); n != 0 {
			t.Errorf("%v allocations for %d events, want none", n, len(all))
		}
	})
}

func takeAll(t testing.TB, x Sink, all []sample) {
	for i := range all {
		if err := x.Take(&all[i].event); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFlushWritesOnce(t *testing.T) {
	both(t, func(t *testing.T, o Options) {
		var out counter
		x := New(&out, o)
		takeAll(t, x, samples())
		if out.writes != 0 {
			t.Errorf("%d writes before Flush, want none", out.writes)
		}
		for range 2 {
			if err := x.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if out.writes != 1 {
			t.Errorf("%d writes after Flush, want one", out.writes)
		}
	})
}

func TestFullBufferIsWritten(t *testing.T) {
	both(t, func(t *testing.T, o Options) {
		var out counter
		x, e := New(&out, o), base()
		for range flushSize {
			if err := x.Take(&e); err != nil {
				t.Fatal(err)
			}
		}
		if size := out.bytes / out.writes; size < flushSize || size > flushSize+4096 {
			t.Errorf("writes of %d bytes, want a little more than %d", size, flushSize)
		}
	})
}

// faulty is a writer that always returns its members.
type faulty struct {
	n   int
	err error
}

func (f faulty) Write([]byte) (int, error) { return f.n, f.err }

func TestWriteErrorsAreKept(t *testing.T) {
	for _, f := range []struct {
		writer faulty
		want   error
	}{
		{faulty{err: syscall.EPIPE}, syscall.EPIPE},
		{faulty{n: 10, err: syscall.ENOSPC}, syscall.ENOSPC},
		{faulty{n: 10}, io.ErrShortWrite},
	} {
		both(t, func(t *testing.T, o Options) {
			x, e := New(f.writer, o), base()
			if err := x.Take(&e); err != nil {
				t.Fatal(err)
			}
			if err := x.Flush(); !errors.Is(err, f.want) {
				t.Errorf("Flush returns %v, want %v in its chain", err, f.want)
			}
		})
	}
}

func BenchmarkText(b *testing.B) { benchmark(b, Options{Columns: defaults}) }

func BenchmarkJSON(b *testing.B) { benchmark(b, Options{JSON: true, Columns: defaults}) }

var defaults = golden["default.txt"].Columns

func benchmark(b *testing.B, o Options) {
	x := New(io.Discard, o)
	e := base()
	e.Kind = event.Tracepoint
	b.ReportAllocs()
	for b.Loop() {
		if err := x.Take(&e); err != nil {
			b.Fatal(err)
		}
	}
}
