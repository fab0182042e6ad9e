// SPDX-License-Identifier: Apache-2.0

package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReadyFileIsCreatedOnRequest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ready")
	r, err := claimReadyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the ready file exists too early: %v", err)
	}
	if err := r.create(); err != nil {
		t.Fatal(err)
	}
	if err := r.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestNoReadyFile(t *testing.T) {
	r, err := claimReadyFile("")
	if err != nil {
		t.Fatal(err)
	}
	for name, step := range map[string]func() error{"creatable": r.creatable, "create": r.create, "close": r.close} {
		if err := step(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadyFileErrorNamesIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "ready")
	if _, err := claimReadyFile(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name %q", err, path)
	}
}
