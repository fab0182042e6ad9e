// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestProcesses(t *testing.T) {
	procfs := t.TempDir()
	for folder, comm := range map[string]string{"12": "curl\n", "7": "two words\n", "self": "curl\n", "4294967296": "curl\n"} {
		path := filepath.Join(procfs, folder)
		if err := errors.Join(os.Mkdir(path, 0o755), os.WriteFile(filepath.Join(path, "comm"), []byte(comm), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(procfs, "8"), 0o755); err != nil { // ended after the folder was read
		t.Fatal(err)
	}
	got, err := Processes(procfs)
	if want := []Process{{12, "curl"}, {7, "two words"}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v (%v), want %v", got, err, want)
	}
	if got, err := Processes(filepath.Join(procfs, "none")); len(got) != 0 || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a procfs %v, error %v", got, err)
	}
}
