// SPDX-License-Identifier: Apache-2.0

package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// readyFile appears when everything is attached. Until then its place is held
// by a hidden file beside it, which shows that it can be made.
type readyFile struct {
	path, held string
}

// claimReadyFile also removes an old one, which would say ready too early.
func claimReadyFile(path string) (*readyFile, error) {
	if path == "" {
		return &readyFile{}, nil
	}
	held, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return nil, fmt.Errorf("ready file %q: %w", path, cause(err))
	}
	r := &readyFile{path: path, held: held.Name()}
	if err := held.Close(); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		r.discard()
		return nil, fmt.Errorf("ready file: %w", err)
	}
	return r, nil
}

// appear makes the file.
func (r *readyFile) appear() error {
	if r.held == "" {
		return nil
	}
	held := r.held
	r.held = ""
	if err := os.Rename(held, r.path); err != nil {
		return fmt.Errorf("ready file: %w", err)
	}
	return nil
}

// discard gives the place up if the file has not appeared.
func (r *readyFile) discard() error {
	if r.held == "" {
		return nil
	}
	held := r.held
	r.held = ""
	return os.Remove(held)
}

// cause leaves out the name of the held place, which nobody asked for.
func cause(err error) error {
	var at *os.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
