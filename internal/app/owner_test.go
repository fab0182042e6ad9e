// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"net"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"tracer/internal/enrich"
	"tracer/internal/plan"
)

func TestOwnersAreLookedUp(t *testing.T) {
	own := strconv.Itoa(os.Getpid())
	o, err := Owners{PIDs: []string{own}, Comms: []string{"curl*"}}.resolve()
	if err != nil || !slices.Equal(o.PIDs, []uint32{uint32(os.Getpid())}) || !slices.Equal(o.Comms, []string{"curl*"}) {
		t.Errorf("%+v (%v)", o, err)
	}
	for want, w := range map[string]Owners{
		`process "x": not a process id, which is a positive number`:                 {PIDs: []string{own, "x"}},
		`command "sixteen-bytes-00": longer than 15 bytes, the limit of the kernel`: {Comms: []string{"sixteen-bytes-00"}},
		`cgroup "/no/such/group": no such file or directory`:                        {Cgroups: []string{"/no/such/group"}},
	} {
		_, err := w.resolve()
		var usage interface{ Usage() bool }
		if err == nil || err.Error() != want || !errors.As(err, &usage) || !usage.Usage() {
			t.Errorf("error %v, want the usage error %s", err, want)
		}
	}
}

func TestSocketsOfAProcessInBothLists(t *testing.T) {
	comm, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	own, name := uint32(os.Getpid()), string(comm[:len(comm)-1])
	both, _, err := enrich.Sockets(plan.TaskFilter{PIDs: []uint32{own}, Comms: []string{name}}.MatchesProcess)
	byPID, _, err2 := enrich.Sockets(plan.TaskFilter{PIDs: []uint32{own}}.MatchesProcess)
	if errors.Join(err, err2) != nil || len(both) == 0 || !slices.Equal(both, byPID) {
		t.Errorf("sockets %v by both and %v by id (%v, %v)", both, byPID, err, err2)
	}
	if other, _, err := enrich.Sockets(plan.TaskFilter{PIDs: []uint32{own}, Comms: []string{"no-such-comm"}}.MatchesProcess); err != nil || len(other) != 0 {
		t.Errorf("sockets %v of a process that is in one list only (%v)", other, err)
	}
}

// watched is a watch whose ticks the test gives, and what it told.
func watched(find func() ([]uint64, error)) (w *socketWatch, ticks chan time.Time, told chan []uint64) {
	ticks, told = make(chan time.Time), make(chan []uint64, 10)
	tell := func(inodes []uint64) error { told <- inodes; return nil }
	return &socketWatch{find, tell, ticks}, ticks, told
}

func TestWatchTellsAtOnceAndAtEveryTick(t *testing.T) {
	n := uint64(0)
	w, ticks, told := watched(func() ([]uint64, error) { n++; return []uint64{n}, nil })
	ctx, stop, err := w.start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got := <-told; !slices.Equal(got, []uint64{1}) {
		t.Errorf("told %v before anything flows", got)
	}
	ticks <- time.Time{}
	if got := <-told; !slices.Equal(got, []uint64{2}) {
		t.Errorf("told %v at the tick", got)
	}
	if err := stop(); err != nil || ctx.Err() == nil {
		t.Errorf("stopped with %v, context %v", err, ctx.Err())
	}
}

func TestWatchThatFailsEndsTheRun(t *testing.T) {
	broken := errors.New("broken")
	calls := 0
	w, ticks, _ := watched(func() ([]uint64, error) {
		if calls++; calls > 1 {
			return nil, broken
		}
		return nil, nil
	})
	ctx, stop, err := w.start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	ticks <- time.Time{}
	<-ctx.Done()
	if err := stop(); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	if _, _, err := (&socketWatch{find: func() ([]uint64, error) { return nil, broken }}).start(context.Background()); !errors.Is(err, broken) {
		t.Errorf("error %v at the start", err)
	}
}
