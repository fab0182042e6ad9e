// SPDX-License-Identifier: Apache-2.0

// Command bench measures tracer in virtual machines that count instructions, and with the tracepoint
// backend on the running kernel. It compares tracer with empty programs on the same functions (the
// floor), and with pwru if a binary is given. It writes a table and a file with every sample. It is
// run by make bench.
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
	fs.StringVar(&s.Pwru, "pwru", "", "static pwru for amd64 to compare with")
	fs.StringVar(&s.Results, "out", "build/bench", "folder for table.md and figures.json")
	fs.StringVar(&s.Commit, "commit", "", "commit that tracer was built from")
	fs.IntVar(&s.Rounds, "rounds", 3, "number of times that each subject is started")
	fs.IntVar(&s.Exchanges, "exchanges", 2000, "number of exchanges per measurement")
	fs.DurationVar(&s.Idle, "idle", time.Minute, "duration of the idle measurement, in which nothing is sent")
	subjects := fs.String("subjects", string(cost.All), "subjects to measure: all, or causes for tracer --drop alone")
	list := fs.String("machines", "", "kernels such as 6.12-amd64, or here-ARCH for the running one; :BACKEND may follow")
	if err := fs.Parse(args); err != nil {
		return err
	}
	machines, err := cost.Named(*list)
	if err != nil {
		return err
	}
	if s.Subjects, err = cost.SubjectsNamed(*subjects); err != nil {
		return err
	}
	var all []cost.Figures
	for _, m := range machines {
		f, err := s.Measure(ctx, m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Name(), err)
		}
		all = append(all, f)
		if err := publish(s.Results, all); err != nil { // after each machine, since a run takes long
			return err
		}
	}
	fmt.Print(cost.Table(all))
	return nil
}

// publish writes the figures and the table to the folder.
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
