// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// state is the part of /proc/PID/stat that the meter uses.
type state struct {
	zombie bool
	// cpu is the CPU time in user and kernel mode.
	cpu time.Duration
}

// tick is the unit of times in /proc/PID/stat, on every architecture that Go supports.
const tick = 10 * time.Millisecond

func stat(pid int) (state, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return state{}, err
	}
	// The name, in parentheses, may contain blanks.
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	var s state
	s.zombie = fields[0] == "Z"
	for _, field := range fields[11:13] { // utime and stime
		ticks, err := strconv.Atoi(field)
		if err != nil {
			return s, err
		}
		s.cpu += time.Duration(ticks) * tick
	}
	return s, nil
}

// resident returns the current resident set size of the process, in bytes.
func resident(pid int) (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			return float64(kb) * 1024, err
		}
	}
	return 0, fmt.Errorf("process %d has no VmRSS", pid)
}

// lockedByMaps returns the memory of the BPF maps that the process has open (memlock), in bytes. It reads the fdinfo
// of maps only: in that of a kprobe-multi link without cookies, the kernel dereferences a null pointer (seen on 6.18).
func lockedByMaps(pid int) (float64, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		return 0, err
	}
	maps := map[string]float64{} // by id, since a map may be open twice
	for _, file := range files {
		if what, err := os.Readlink(file); err != nil || what != "anon_inode:bpf-map" {
			continue
		}
		id, bytes, ok := mapMemory(fmt.Sprintf("/proc/%d/fdinfo/%s", pid, filepath.Base(file)))
		if ok {
			maps[id] = bytes
		}
	}
	var sum float64
	for _, bytes := range maps {
		sum += bytes
	}
	return sum, nil
}

func mapMemory(fdinfo string) (id string, bytes float64, ok bool) {
	b, err := os.ReadFile(fdinfo)
	if err != nil {
		return "", 0, false // closed meanwhile
	}
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "map_id":
			id, ok = value, true
		case "memlock":
			bytes, _ = strconv.ParseFloat(value, 64)
		}
	}
	return id, bytes, ok
}
