// SPDX-License-Identifier: Apache-2.0

package outfile

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func linksOf(t *testing.T, path string) uint64 {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return uint64(info.Sys().(*syscall.Stat_t).Nlink)
}

// unpacked returns the text of a file, which may be compressed.
func unpacked(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, packed) {
		if r, err = gzip.NewReader(f); err != nil {
			return "", err
		}
	}
	text, err := io.ReadAll(r)
	return string(text), err
}

var noon = time.Date(2026, 1, 31, 12, 0, 0, 5e6, time.UTC)

func TestNamesOfBackups(t *testing.T) {
	for name, want := range map[string]string{
		"trace.log":    "trace-2026-01-31T12-00-00.005.log",
		"trace":        "trace-2026-01-31T12-00-00.005",
		"trace.tar.gz": "trace.tar-2026-01-31T12-00-00.005.gz",
	} {
		got := backupName(name, noon)
		if got != want {
			t.Errorf("backup of %s is %s, want %s", name, got, want)
		}
		for file, zipped := range map[string]bool{got: false, got + packed: true} {
			if name == "trace.tar.gz" {
				continue // its backups look compressed
			}
			if b, ok := parseBackup(name, file); !ok || b.name != got || b.zipped != zipped || !b.time.Equal(noon) {
				t.Errorf("%s is read as %+v, %v", file, b, ok)
			}
		}
	}
}

func TestOtherFilesAreNoBackups(t *testing.T) {
	for _, file := range []string{
		"trace.log", "trace-.log", "trace-2026.log", "other-2026-01-31T12-00-00.005.log", "trace-2026-01-31T12-00-00.005.txt",
		"trace-2026-01-31T12-00-00.005.log.gz.tmp", "trace-2026-13-31T12-00-00.005.log",
	} {
		if b, ok := parseBackup("trace.log", file); ok {
			t.Errorf("%s is read as %+v", file, b)
		}
	}
}

// keeperOf returns a keeper of a directory, without its goroutine.
func keeperOf(t *testing.T, dir string, r Rotation) *keeper {
	t.Helper()
	p, err := find(filepath.Join(dir, "trace.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.close(); err != nil {
			t.Error(err)
		}
	})
	return &keeper{place: p, Rotation: r}
}

func TestTidy(t *testing.T) {
	day := 24 * time.Hour
	old := func(days int) string { return backupName("trace.log", noon.Add(-time.Duration(days)*day)) }
	for name, tc := range map[string]struct {
		rotation Rotation
		want     []string
	}{
		"keeps all":                      {Rotation{}, []string{old(3) + packed, old(2), old(2) + packed, old(1)}},
		"two of different days":          {Rotation{MaxBackups: 2}, []string{old(2), old(2) + packed, old(1)}},
		"not older than two days":        {Rotation{MaxAge: 2}, []string{old(2), old(2) + packed, old(1)}},
		"compresses":                     {Rotation{Compress: true}, []string{old(3) + packed, old(2) + packed, old(1) + packed}},
		"one, and nothing else is there": {Rotation{MaxBackups: 1, Compress: true}, []string{old(1) + packed}},
	} {
		dir := t.TempDir()
		for _, file := range []string{old(3) + packed, old(2), old(2) + packed, old(1)} {
			write(t, filepath.Join(dir, file), "")
		}
		if err := keeperOf(t, dir, tc.rotation).tidy(noon); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := namesIn(t, dir); !slices.Equal(got, tc.want) {
			t.Errorf("%s: files %q, want %q", name, got, tc.want)
		}
	}
}

// TestPendingBackupIsNotCompressed checks that a backup is not compressed before it has its content.
func TestPendingBackupIsNotCompressed(t *testing.T) {
	dir, name := t.TempDir(), backupName("trace.log", noon)
	write(t, filepath.Join(dir, name), "")
	k := keeperOf(t, dir, Rotation{Compress: true})
	k.pending.Store(&name)
	if err := k.tidy(noon); err != nil {
		t.Error(err)
	}
	if got := namesIn(t, dir); !slices.Equal(got, []string{name}) {
		t.Errorf("files %q, want %q", got, name)
	}
}

// TestForeignFilesAreNotCompressed checks a symbolic link, a file with two hard links, a directory and a FIFO, all
// with names of backups.
func TestForeignFilesAreNotCompressed(t *testing.T) {
	dir := t.TempDir()
	at := func(i int) string {
		return filepath.Join(dir, backupName("trace.log", noon.Add(time.Duration(i)*time.Second)))
	}
	secret := write(t, filepath.Join(dir, "secret"), "secret")
	link(t, secret, at(0))
	if err := errors.Join(os.Link(secret, at(1)), os.Mkdir(at(2), 0o700), unix.Mkfifo(at(3), 0o600)); err != nil {
		t.Fatal(err)
	}
	before := namesIn(t, dir)
	if err := keeperOf(t, dir, Rotation{Compress: true}).tidy(noon); err != nil {
		t.Error(err)
	}
	if got := namesIn(t, dir); !slices.Equal(got, before) {
		t.Errorf("files %q, want %q", got, before)
	}
}

// TestInterruptedCompressionIsRepeated checks that an incomplete compressed file is replaced, and that the new one
// has the mode of the backup.
func TestInterruptedCompressionIsRepeated(t *testing.T) {
	dir, name := t.TempDir(), backupName("trace.log", noon)
	write(t, filepath.Join(dir, name), "a line\n")
	if err := os.Chmod(filepath.Join(dir, name), 0o640); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, name+packed+partSuffix), "half")
	if err := keeperOf(t, dir, Rotation{Compress: true}).tidy(noon); err != nil {
		t.Error(err)
	}
	path := filepath.Join(dir, name+packed)
	if text, err := unpacked(path); text != "a line\n" || modeOf(t, path) != 0o640 || entries(t, dir) != 1 {
		t.Errorf("%d files; %q, %v, mode %v", entries(t, dir), text, err, modeOf(t, path))
	}
}

// TestCompressionErrorNamesTheBackup checks the error if the compressed file can't be renamed to its final name.
func TestCompressionErrorNamesTheBackup(t *testing.T) {
	dir, name := t.TempDir(), backupName("trace.log", noon)
	write(t, filepath.Join(dir, name), "a line\n")
	if err := os.Mkdir(filepath.Join(dir, name+packed), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, name+packed, "full"), "")
	k := keeperOf(t, dir, Rotation{Compress: true})
	if err := k.compress(name); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("error %v does not name %s", err, name)
	}
	if got := namesIn(t, dir); slices.Contains(got, name+packed+partSuffix) || !slices.Contains(got, name) {
		t.Errorf("files %q", got)
	}
}
