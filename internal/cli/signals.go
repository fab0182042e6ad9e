// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// interruptible is a context that SIGINT and SIGTERM cancel; a second signal
// ends the process at once. SIGPIPE is ignored, so that a reader that goes away
// is an error of the write and the run ends in order. stop undoes all but that.
func interruptible() (ctx context.Context, stop func()) {
	signal.Ignore(syscall.SIGPIPE)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go watch(signals, done, cancel, func() { os.Exit(exitError) })
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

// twice is how soon a second signal is the first one again: timeout(1) signals
// the process and then its group.
const twice = 300 * time.Millisecond

// watch calls cancel at the first signal and end at a second one, until done.
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
