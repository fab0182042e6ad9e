// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/bpf"
	"tracer/internal/capture"
	"tracer/internal/journey"
	"tracer/internal/notice"
	"tracer/internal/pipeline"
	"tracer/internal/sink"
)

// Write says what is recorded. The zero value records nothing.
type Write struct {
	sink.RecordingTarget
	// Snaplen is the number of bytes to record of each packet; 0 means its headers.
	Snaplen int
}

// headerBytes is the number of bytes that are read of each packet to record its headers: an Ethernet header with two VLAN
// tags, IPv6, UDP, VXLAN, and the headers of an inner TCP packet fit into it.
const headerBytes = 160

// MaxSnaplen is the largest Snaplen.
const MaxSnaplen = bpf.MaxSnaplen

// bytes returns the number of bytes to read of each packet.
func (w Write) bytes() int {
	if w.Snaplen > 0 {
		return w.Snaplen
	}
	return headerBytes
}

// outputs are where the events of a run go: the file or stream that they are printed to, and the recording.
type outputs struct {
	*sink.File
	recording *sink.Recording // nil: not requested
	quiet     bool
}

// openOutputs opens all outputs.
func openOutputs(ctx context.Context, cfg Config, notices *notice.Notifier) (*outputs, error) {
	o := &outputs{File: sink.Nothing(), quiet: cfg.Quiet}
	var err error
	if !cfg.Quiet {
		if o.File, err = sink.Open(ctx, targetOf(cfg, notices)); err != nil {
			return nil, err
		}
	}
	if cfg.Write.Path == "" {
		return o, nil
	}
	t := cfg.Write.RecordingTarget
	t.Stdout, t.Wait, t.Waiting = cfg.Stdout, cfg.Limits.Duration, notices.NoReader
	if o.recording, err = sink.OpenRecording(ctx, t); err != nil {
		return nil, errors.Join(err, o.File.Close())
	}
	return o, nil
}

// begin begins the recording.
func (o *outputs) begin(cfg Config, scope journey.Scope, now uint64) error {
	if o.recording == nil {
		return nil
	}
	run := capture.Run{
		Tracer: cfg.Version, Command: cfg.Command, Start: time.Now().UnixNano(), Monotonic: now,
		Scope: capture.ScopeOf(scope), Snaplen: uint32(cfg.Write.Snaplen), Drops: cfg.Drops.OnlyDrops(),
	}
	var host unix.Utsname
	if err := unix.Uname(&host); err == nil {
		run.Host, run.Kernel, run.Machine = unix.ByteSliceToString(host.Nodename[:]), unix.ByteSliceToString(host.Release[:]), unix.ByteSliceToString(host.Machine[:])
	}
	return o.recording.Begin(run)
}

// list returns the outputs for the pipeline, first the one whose totals are reported.
func (o *outputs) list() (list []pipeline.Output) {
	if !o.quiet {
		list = append(list, pipeline.Output{Sink: o.File})
	}
	if o.recording != nil {
		list = append(list, pipeline.Output{Sink: o.recording})
	}
	return list
}

// Rotatable returns an error if the process may not create the files of a rotation.
func (o *outputs) Rotatable() error {
	if o.recording == nil {
		return o.File.Rotatable()
	}
	return errors.Join(o.File.Rotatable(), o.recording.Rotatable())
}

func (o *outputs) close() error {
	if o.recording == nil {
		return o.File.Close()
	}
	return errors.Join(o.File.Close(), o.recording.Close())
}
