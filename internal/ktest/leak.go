// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// Inventory lists the BPF objects, pins and probes in the kernel, one line each.
type Inventory []string

// probeFiles are the files that list probes, if the kernel has them.
var probeFiles = []string{
	"/sys/kernel/debug/kprobes/list",
	"/sys/kernel/tracing/kprobe_events",
	"/sys/kernel/tracing/enabled_functions",
}

// pinned is where BPF objects are pinned.
const pinned = "/sys/fs/bpf"

// TakeInventory lists programs, maps and links by id, pins and probes.
func TakeInventory() (Inventory, error) {
	var all Inventory
	for kind, next := range map[string]func(uint32) (uint32, error){"program": nextProgram, "map": nextMap} {
		lines, err := ids(kind, next)
		if err != nil {
			return nil, err
		}
		all = append(all, lines...)
	}
	links, err := linkIDs()
	if err != nil {
		return nil, err
	}
	all = append(all, links...)
	return append(append(all, pins(pinned)...), probes()...), nil
}

func nextProgram(id uint32) (uint32, error) {
	next, err := ebpf.ProgramGetNextID(ebpf.ProgramID(id))
	return uint32(next), err
}

func nextMap(id uint32) (uint32, error) {
	next, err := ebpf.MapGetNextID(ebpf.MapID(id))
	return uint32(next), err
}

func ids(kind string, next func(uint32) (uint32, error)) ([]string, error) {
	var lines []string
	for id := uint32(0); ; {
		var err error
		if id, err = next(id); errors.Is(err, os.ErrNotExist) {
			return lines, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list each BPF %s: %w", kind, err)
		}
		lines = append(lines, fmt.Sprintf("BPF %s %d", kind, id))
	}
}

// linkIDs tries again while another process creates a link: it has an id, but bpf_link_by_id returns EAGAIN.
func linkIDs() ([]string, error) {
	for deadline := time.Now().Add(freeTimeout); ; time.Sleep(time.Millisecond) {
		lines, err := openLinkIDs()
		if !errors.Is(err, unix.EAGAIN) || time.Now().After(deadline) {
			return lines, err
		}
	}
}

func openLinkIDs() ([]string, error) {
	var lines []string
	all := new(link.Iterator)
	defer all.Close()
	for all.Next() {
		lines = append(lines, fmt.Sprintf("BPF link %d", all.ID))
	}
	return lines, all.Err()
}

// pins lists the files in a folder and below. Without a BPF file system there are none.
func pins(folder string) []string {
	var lines []string
	_ = filepath.WalkDir(folder, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			lines = append(lines, "pin "+name)
		}
		return nil // files that can't be read are not ours
	})
	return lines
}

func probes() []string {
	var lines []string
	for _, file := range probeFiles {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // not mounted, or the kernel has no such probes
		}
		for line := range strings.Lines(string(text)) {
			lines = append(lines, file+": "+strings.TrimSpace(line))
		}
	}
	return lines
}

// Since returns the lines that are not in the earlier inventory.
func (now Inventory) Since(earlier Inventory) Inventory {
	return slices.DeleteFunc(slices.Clone(now), func(line string) bool { return slices.Contains(earlier, line) })
}

// freeTimeout is the time that the kernel may take to free objects without references.
const freeTimeout = 20 * time.Second

// NoLeaks fails the test at its end if the kernel then has BPF objects or probes that did not exist at the
// call.
func NoLeaks(t testing.TB) {
	t.Helper()
	before, err := TakeInventory()
	must(t, err)
	t.Cleanup(func() {
		if left := leftSince(t, before); len(left) > 0 {
			t.Errorf("%d leaks, such as: %s", len(left), strings.Join(left[:min(len(left), 10)], "; "))
		}
	})
}

func leftSince(t testing.TB, before Inventory) Inventory {
	t.Helper()
	for deadline := time.Now().Add(freeTimeout); ; time.Sleep(50 * time.Millisecond) {
		now, err := TakeInventory()
		must(t, err)
		left := now.Since(before)
		if len(left) > 0 {
			left = left.Since(heldByOthers())
		}
		if len(left) == 0 || time.Now().After(deadline) {
			return left
		}
	}
}
