// SPDX-License-Identifier: Apache-2.0

package app

import (
	"fmt"

	"tracer/internal/outfile"
	"tracer/internal/printable"
)

// readyFile is created once everything is attached.
type readyFile struct {
	path string
	file *outfile.Deferred
}

// claimReadyFile opens the directory of the file, and removes an old file.
func claimReadyFile(path string) (*readyFile, error) {
	r := &readyFile{path: path}
	if path == "" {
		return r, nil
	}
	var err error
	r.file, err = outfile.Defer(path)
	return r, r.named(err)
}

// named adds the name of the file to an error.
func (r *readyFile) named(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("ready file %s: %w", printable.Quote(r.path), err)
}

// creatable returns an error if the process may not create the file.
func (r *readyFile) creatable() error {
	if r.file == nil {
		return nil
	}
	return r.file.Creatable()
}

// create creates the file, when everything is attached.
func (r *readyFile) create() error {
	if r.file == nil {
		return nil
	}
	return r.named(r.file.Create())
}

// close releases the directory.
func (r *readyFile) close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}
