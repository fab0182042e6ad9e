// SPDX-License-Identifier: Apache-2.0

package live

import (
	"errors"
	"net"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"tracer/internal/input"
	"tracer/internal/plan"
)

func TestOwnersAreResolved(t *testing.T) {
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
	both, _, err := input.Sockets(plan.TaskFilter{PIDs: []uint32{own}, Comms: []string{name}}.MatchesProcess)
	byPID, _, err2 := input.Sockets(plan.TaskFilter{PIDs: []uint32{own}}.MatchesProcess)
	if errors.Join(err, err2) != nil || len(both) == 0 || !slices.Equal(both, byPID) {
		t.Errorf("sockets %v by both and %v by id (%v, %v)", both, byPID, err, err2)
	}
	if other, _, err := input.Sockets(plan.TaskFilter{PIDs: []uint32{own}, Comms: []string{"no-such-comm"}}.MatchesProcess); err != nil || len(other) != 0 {
		t.Errorf("sockets %v of a process that is in one list only (%v)", other, err)
	}
}

// watched returns a watch whose ticks the test sends, and the sockets that it sets.
func watched(find func() ([]uint64, error)) (w *socketWatch, ticks chan time.Time, sets chan []uint64) {
	ticks, sets = make(chan time.Time), make(chan []uint64, 10)
	set := func(inodes []uint64) error { sets <- inodes; return nil }
	return &socketWatch{find, set, ticks}, ticks, sets
}

func TestSocketsAreSetAtEveryTick(t *testing.T) {
	n := uint64(0)
	w, ticks, sets := watched(func() ([]uint64, error) { n++; return []uint64{n}, nil })
	b := newBackground()
	b.run(w.run)
	for want := range uint64(2) {
		ticks <- time.Time{}
		if got := <-sets; !slices.Equal(got, []uint64{want + 1}) {
			t.Errorf("set %v at tick %d", got, want)
		}
	}
	if b.failed() {
		t.Error("failed")
	}
	if err := b.stop(); err != nil {
		t.Error(err)
	}
}

func TestFailedWatchIsNoticed(t *testing.T) {
	broken := errors.New("broken")
	w, ticks, _ := watched(func() ([]uint64, error) { return nil, broken })
	b := newBackground()
	b.run(w.run)
	ticks <- time.Time{}
	<-b.ctx.Done()
	if err := b.stop(); !b.failed() || !errors.Is(err, broken) {
		t.Errorf("failed %t, error %v", b.failed(), err)
	}
}
