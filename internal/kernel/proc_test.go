// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestNeedProc(t *testing.T) {
	if err := NeedProc(); err != nil {
		t.Error(err)
	}
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "none")} {
		if err := needProc(path); !errors.Is(err, errNoProc) {
			t.Errorf("%s: error %v", path, err)
		}
	}
}

func TestSettingIsZero(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]bool{"0\n": true, "1\n": false, "": false} {
		path := filepath.Join(dir, "setting")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := isZero(path); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	if isZero(filepath.Join(dir, "none")) {
		t.Error("a missing setting is read as 0")
	}
}
