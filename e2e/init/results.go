// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tracer/e2e/boot"
)

// sendResults writes the results folder as a tar archive to the port that the host reads.
func sendResults() error {
	port, err := openPort(boot.ResultsPort)
	if err != nil {
		return err
	}
	w := tar.NewWriter(port)
	return errors.Join(w.AddFS(os.DirFS(boot.Results)), w.Close(), port.Close())
}

// openPort finds a virtio-serial port by its name.
func openPort(name string) (*os.File, error) {
	names, err := filepath.Glob("/sys/class/virtio-ports/*/name")
	if err != nil {
		return nil, err
	}
	for _, file := range names {
		b, err := os.ReadFile(file)
		if err == nil && strings.TrimSpace(string(b)) == name {
			return os.OpenFile("/dev/"+filepath.Base(filepath.Dir(file)), os.O_WRONLY, 0)
		}
	}
	return nil, fmt.Errorf("no virtio-serial port %q", name)
}
