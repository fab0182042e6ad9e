// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
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
	go watch(signals, done, cancel)
	return ctx, func() {
		signal.Stop(signals)
		close(done)
		cancel()
	}
}

func watch(signals <-chan os.Signal, done <-chan struct{}, cancel func()) {
	for _, act := range []func(){cancel, func() { os.Exit(exitError) }} {
		select {
		case <-signals:
			act()
		case <-done:
			return
		}
	}
}
