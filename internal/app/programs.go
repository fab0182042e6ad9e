// SPDX-License-Identifier: Apache-2.0

package app

import "context"

// watchPrograms begins to look for BPF programs that are loaded later, where such are
// traced. It goes on until the returned context ends, which a failure brings about, or
// stop is called, which says what went wrong.
func (t *tracing) watchPrograms(ctx context.Context) (_ context.Context, stop func() error) {
	if !t.watches {
		return ctx, func() error { return nil }
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		defer cancel()
		ended <- t.session.WatchPrograms(ctx, t.say.found)
	}()
	return ctx, func() error { cancel(); return <-ended }
}
