// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// interruptible returns a context that the signals of [endings] cancel. A second signal exits the
// process at once. stop restores the default handling of these signals.
func interruptible() (ctx context.Context, stop func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, endings()...)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go watch(signals, done, cancel, func() { os.Exit(exitError) })
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

// endings are the signals that end a run cleanly. SIGHUP is left out if it is ignored at the start,
// as by nohup(1).
func endings() []os.Signal {
	list := []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT}
	if !signal.Ignored(syscall.SIGHUP) {
		list = append(list, syscall.SIGHUP)
	}
	return list
}

// twice is the time within which a second signal counts as the first: timeout(1) signals the process
// and then its group.
const twice = 300 * time.Millisecond

// watch calls cancel at the first signal and end at a second one. It returns when done is closed.
func watch(signals <-chan os.Signal, done <-chan struct{}, cancel, end func()) {
	var first time.Time
	for {
		select {
		case <-signals:
		case <-done:
			return
		}
		switch {
		case first.IsZero():
			first = time.Now()
			cancel()
		case time.Since(first) > twice:
			end()
		}
	}
}
