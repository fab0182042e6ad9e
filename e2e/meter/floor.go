// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
)

// The names of the backends.
const (
	kprobeMulti = "kprobe-multi"
	kprobe      = "kprobe"
	tracepoint  = "tracepoint"
)

// runFloor is the main function of the subject floor, the lower bound of the cost of tracing: it attaches an empty
// program to the functions that tracer finds.
func runFloor(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("usage: meter floor BACKEND READY-FILE")
	}
	attach, ok := floors[args[0]]
	if !ok {
		return fmt.Errorf("no backend %q", args[0])
	}
	if err := rlimit.RemoveMemlock(); err != nil {
		return err
	}
	facts, err := kernel.Gather(ctx, kernel.Options{})
	if err != nil {
		return err
	}
	links, err := attach(facts)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "attached to %d\n", len(links))
	if err := os.WriteFile(args[1], nil, 0o644); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

var floors = map[string]func(*kernel.Facts) ([]io.Closer, error){
	kprobeMulti: floorMulti,
	kprobe:      floorKprobes,
	tracepoint:  floorTracepoints,
}

func empty(kind ebpf.ProgramType, attach ebpf.AttachType) (*ebpf.Program, error) {
	return ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: kind, AttachType: attach, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 0), asm.Return()},
	})
}

func floorMulti(facts *kernel.Facts) ([]io.Closer, error) {
	program, err := empty(ebpf.Kprobe, ebpf.AttachTraceKprobeMulti)
	if err != nil {
		return nil, err
	}
	var addresses []uintptr
	for _, f := range facts.Functions {
		addresses = append(addresses, uintptr(f.Addr))
	}
	l, err := link.KprobeMulti(program, link.KprobeMultiOptions{Addresses: addresses})
	return []io.Closer{l}, err
}

// floorKprobes attaches 16 kprobes in parallel, as tracer does.
func floorKprobes(facts *kernel.Facts) ([]io.Closer, error) {
	program, err := empty(ebpf.Kprobe, ebpf.AttachNone)
	if err != nil {
		return nil, err
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 1 << 14, Max: 1 << 14}); err != nil {
		return nil, err
	}
	work := make(chan string)
	var links []io.Closer
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for name := range work {
				l, err := link.Kprobe(name, program, nil)
				if err != nil {
					continue // a few names are not unique
				}
				mu.Lock()
				links = append(links, l)
				mu.Unlock()
			}
		})
	}
	for _, f := range facts.Functions {
		work <- f.Name
	}
	close(work)
	all.Wait()
	return links, nil
}

func floorTracepoints(facts *kernel.Facts) ([]io.Closer, error) {
	program, err := empty(ebpf.RawTracepoint, ebpf.AttachNone)
	if err != nil {
		return nil, err
	}
	var links []io.Closer
	for _, t := range facts.Tracepoints {
		l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: t.Name, Program: program})
		if err != nil {
			return nil, fmt.Errorf("tracepoint %s: %w", t.Name, err)
		}
		links = append(links, l)
	}
	return links, nil
}
