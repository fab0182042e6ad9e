// SPDX-License-Identifier: Apache-2.0

package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func entries(t *testing.T, dir string) int {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

func TestReadyFileAppearsOnlyWhenTold(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ready")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := claimReadyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if exists(path) {
		t.Error("the ready file of an earlier run is still there")
	}
	if err := r.appear(); err != nil {
		t.Fatal(err)
	}
	if err := r.discard(); err != nil {
		t.Fatal(err)
	}
	if !exists(path) || entries(t, dir) != 1 {
		t.Errorf("ready file there: %v, %d files in all", exists(path), entries(t, dir))
	}
}

func TestReadyFileLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	r, err := claimReadyFile(filepath.Join(dir, "ready"))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.discard(); err != nil {
		t.Fatal(err)
	}
	if n := entries(t, dir); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

func TestReadyFileErrorNamesIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "no", "ready")
	if _, err := claimReadyFile(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v does not name %q", err, path)
	}
}
