// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// extractResults unpacks the guest's tar archive into a folder.
func extractResults(archive, folder string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	r := tar.NewReader(f)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("results: %w", err)
		}
		if err := extractMember(r, h, folder); err != nil {
			return err
		}
	}
}

// extractMember writes one regular file. It rejects paths outside of the folder, since the guest is not trusted.
func extractMember(r io.Reader, h *tar.Header, folder string) error {
	if h.Typeflag != tar.TypeReg {
		return nil
	}
	if !filepath.IsLocal(h.Name) {
		return fmt.Errorf("results: path %q is outside of the folder", h.Name)
	}
	name := filepath.Join(folder, h.Name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}
