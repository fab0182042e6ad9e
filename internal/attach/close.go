// SPDX-License-Identifier: Apache-2.0

package attach

import (
	"errors"
	"io"
	"sync"
)

// closers is the number of links that are closed concurrently. The kernel waits for an RCU grace period for
// each, and concurrent waiters share one.
const closers = 64

// closeAll closes the links concurrently, and returns all errors.
func closeAll(links []io.Closer) error {
	work := make(chan io.Closer)
	errs := make([]error, min(closers, len(links)))
	var done sync.WaitGroup
	for i := range errs {
		done.Go(func() {
			for link := range work {
				errs[i] = errors.Join(errs[i], link.Close())
			}
		})
	}
	for _, link := range links {
		work <- link
	}
	close(work)
	done.Wait()
	return errors.Join(errs...)
}
