// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"tracer/internal/ktest"
)

// TestNothingIsMissedOnceAttached sends a packet as soon as stderr has the line `attached to …`, and checks that it has
// its rows. A pipe is read instead of a file, so that nothing delays the packet.
func TestNothingIsMissedOnceAttached(t *testing.T) {
	ktest.Root(t)
	rounds := 20
	if isQuick() {
		rounds = 4
	}
	for _, backend := range backends() {
		t.Run(backend, func(t *testing.T) {
			port := net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 40087}
			socket, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer socket.Close()
			for range rounds {
				p, lines := startWatched(t, "--output-json", "--backend", backend, "--filter-func", marks(backend).received, fmt.Sprint("udp dst port ", port.Port))
				awaitAttached(t, lines)
				if _, err := socket.WriteTo([]byte("x"), &port); err != nil {
					t.Fatal(err)
				}
				go func() {
					for lines.Scan() {
					}
				}()
				if len(p.stop().events) == 0 {
					t.Fatal("the packet after the line has no row")
				}
			}
		})
	}
}

// startWatched starts tracer, and returns a reader of its stderr.
func startWatched(t *testing.T, args ...string) (*process, *bufio.Scanner) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close() })
	if err := read.SetReadDeadline(time.Now().Add(startLimit)); err != nil {
		t.Fatal(err)
	}
	p := command{args: args, stderr: write}.start(t)
	write.Close()
	return p, bufio.NewScanner(read)
}

func awaitAttached(t *testing.T, lines *bufio.Scanner) {
	t.Helper()
	var said []string
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "attached to ") {
			return
		}
		said = append(said, lines.Text())
	}
	t.Fatalf("not attached: %s (%v)", strings.Join(said, "\n"), lines.Err())
}
