// SPDX-License-Identifier: Apache-2.0

// Command bench measures tracer in virtual machines that count instructions, and by its
// tracepoints on the kernel that it runs on, beside a program that does nothing on the same
// functions and beside a pwru where there is one. It makes one table and one file with
// every single figure. Run it by make bench.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"tracer/e2e/cost"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	s := cost.Settings{Root: "."}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.StringVar(&s.Pwru, "pwru", "", "a static pwru for amd64 to be measured beside")
	fs.StringVar(&s.Results, "out", "build/bench", "the folder for table.md and figures.json")
	fs.StringVar(&s.Commit, "commit", "", "the commit that tracer was built of")
	fs.IntVar(&s.Rounds, "rounds", 3, "how often each is started")
	fs.IntVar(&s.Exchanges, "exchanges", 2000, "exchanges in one measurement")
	fs.DurationVar(&s.Idle, "idle", time.Minute, "for how long nothing is sent")
	list := fs.String("machines", "", "kernels such as 6.12-amd64, or here-ARCH for this one; a backend may follow a colon")
	if err := fs.Parse(args); err != nil {
		return err
	}
	machines, err := cost.Named(*list)
	if err != nil {
		return err
	}
	var all []cost.Figures
	for _, m := range machines {
		f, err := s.Measure(ctx, m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name(), err)
		}
		all = append(all, f)
		if err := publish(s.Results, all); err != nil { // a run takes long
			return err
		}
	}
	fmt.Print(cost.Table(all))
	return nil
}

// publish writes what there is.
func publish(folder string, all []cost.Figures) error {
	b, err := json.MarshalIndent(all, "", "\t")
	if err != nil {
		return err
	}
	return errors.Join(
		os.MkdirAll(folder, 0o755),
		os.WriteFile(filepath.Join(folder, "figures.json"), append(b, '\n'), 0o644),
		os.WriteFile(filepath.Join(folder, "table.md"), []byte(cost.Table(all)), 0o644),
	)
}
