// SPDX-License-Identifier: Apache-2.0

package app

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
	"tracer/internal/ktest"
	"tracer/internal/privilege"
	"tracer/internal/sink"
)

// folderOf returns a folder of a user with a file in it, of the same or another user.
func folderOf(t *testing.T, owner, ownerOfFile int) (folder, file string) {
	t.Helper()
	folder = t.TempDir()
	file = filepath.Join(folder, "out")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chown(folder, owner, owner), os.Chmod(folder, 0o755), os.Chown(file, ownerOfFile, ownerOfFile)); err != nil {
		t.Fatal(err)
	}
	return folder, file
}

func TestCapabilitiesForFilesOfOtherUsers(t *testing.T) {
	ktest.Root(t)
	const nobody = 65534
	override := kernel.SetOf(unix.CAP_DAC_OVERRIDE)
	ours, oursOut := folderOf(t, 0, 0)
	theirs, theirsOut := folderOf(t, nobody, 0)
	_, givenOut := folderOf(t, 0, nobody)
	for name, tc := range map[string]struct {
		cfg  Config
		want kernel.CapabilitySet
	}{
		"no file":                    {Config{}, 0},
		"in our folder":              {Config{OutputFile: oursOut, ReadyFile: ours + "/ready"}, 0},
		"no regular file":            {Config{OutputFile: "/dev/null"}, 0},
		"ready in another's folder":  {Config{ReadyFile: theirs + "/ready"}, override},
		"output in another's folder": {Config{OutputFile: theirsOut}, rotates},
		"output of another":          {Config{OutputFile: givenOut}, rotates},
	} {
		if got := capabilitiesFor(t, tc.cfg); got != tc.want {
			t.Errorf("%s: %s, want %s", name, privilege.Names(got), privilege.Names(tc.want))
		}
	}
}

// capabilitiesFor opens the files as a run does.
func capabilitiesFor(t *testing.T, cfg Config) kernel.CapabilitySet {
	t.Helper()
	out, err := sink.Open(t.Context(), sink.Target{Path: cfg.OutputFile, Stdout: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	ready, err := claimReadyFile(cfg.ReadyFile)
	if err != nil {
		t.Fatal(err)
	}
	needed := capabilitiesOfFiles(&outputs{File: out}, ready)
	if err := errors.Join(out.Close(), ready.close()); err != nil {
		t.Error(err)
	}
	return needed
}
