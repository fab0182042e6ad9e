// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"

	"tracer/internal/enrich"
	"tracer/internal/filter"
	"tracer/internal/kernel"
	"tracer/internal/plan"
)

// resolve turns what was typed into numbers and programs. Every mistake in it
// is found here, before anything is loaded.
func resolve(cfg Config) (plan.Options, error) {
	o := plan.Options{
		Backend:  kernel.Backend(cfg.Backend),
		Func:     cfg.Func,
		Record:   plan.Record{Meta: cfg.Output.Columns.Meta, Tuple: cfg.Output.Columns.Tuple},
		RingSize: cfg.RingSize,
	}
	var err error
	if o.Mark, err = plan.ParseMark(cfg.Mark); err != nil {
		return o, err
	}
	if o.Filter, err = filter.Compile(cfg.Expr); err != nil {
		return o, err
	}
	return o, resolvePlace(cfg, &o)
}

// resolvePlace looks up network namespace and interface. An interface's index
// means something in its namespace only, so that becomes part of the filter.
func resolvePlace(cfg Config, o *plan.Options) error {
	spec := cfg.Netns
	if spec == "" && cfg.Ifname != "" {
		spec = "/proc/self/ns/net"
	}
	if spec == "" {
		return nil
	}
	inode, path, err := enrich.NetnsInode(spec)
	if err != nil {
		return err
	}
	o.Netns.In = []uint32{inode}
	if cfg.Ifname == "" {
		return nil
	}
	if path == "" {
		return &unreachableError{ifname: cfg.Ifname, netns: cfg.Netns}
	}
	o.Ifnames.In = []string{cfg.Ifname}
	_, err = enrich.Ifindex(cfg.Ifname, path)
	return err
}

// unreachableError says that an interface is asked for in a namespace that
// nothing leads into.
type unreachableError struct{ ifname, netns string }

func (e *unreachableError) Error() string {
	return fmt.Sprintf("interface %q: no process or file holds the network namespace %q to look it up in", e.ifname, e.netns)
}

func (*unreachableError) Usage() bool { return true }

func (*unreachableError) Hint() string {
	return "give the namespace by name, path or pid:N"
}
