// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// emulator is a fake QEMU: it panics once for each line in the file "deaths", and otherwise writes
// a word of output, sends one result, and reports exit code 3.
const emulator = `#!/bin/sh
for argument; do
	case $argument in
	file,id=results,path=*) results=${argument#*path=} ;;
	file,id=output,path=*) output=${argument#*path=} ;;
	esac
done
cd "$(dirname "$0")"
if [ -s deaths ]; then
	sed -i 1d deaths
	echo 'Kernel panic - not syncing'
	exit
fi
echo said >"$output"
if [ -e hangs ]; then exec sleep 60; fi
tar -cf "$results" result
printf '@@started\r\n@@exited 3\r\n'
`

// fakeMachine returns a machine on the fake emulator, which finds the files in its folder.
func fakeMachine(t *testing.T, files map[string]string) Config {
	t.Helper()
	bin, folder := t.TempDir(), t.TempDir()
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	write(t, filepath.Join(bin, "qemu-system-x86_64"), emulator)
	write(t, filepath.Join(bin, "result"), "text")
	for name, text := range files {
		write(t, filepath.Join(bin, name), text)
	}
	for _, name := range []string{"vmlinux", "boot/vmlinuz-x", "lib/modules/x/kernel/none", "init"} {
		write(t, filepath.Join(folder, name), "")
	}
	builtin := "kernel/virtio_pci.ko\nkernel/virtio_console.ko\n"
	write(t, filepath.Join(folder, "lib/modules/x/modules.builtin"), builtin)
	return Config{
		Kernel: &Kernel{Release: "x", Arch: "amd64", folder: folder},
		Init:   filepath.Join(folder, "init"), Results: filepath.Join(t.TempDir(), "results"),
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestRunReturnsCodeAndResults(t *testing.T) {
	c := fakeMachine(t, nil)
	r, err := Run(t.Context(), c)
	if err != nil || r.Code != 3 {
		t.Fatalf("got %+v, %v, want code 3", r, err)
	}
	if got, err := os.ReadFile(filepath.Join(c.Results, "result")); err != nil || string(got) != "text" {
		t.Errorf("result %q, %v", got, err)
	}
	wantOutput(t, c)
}

func wantOutput(t *testing.T, c Config) {
	t.Helper()
	if got, err := os.ReadFile(filepath.Join(c.Results, "output.log")); err != nil || string(got) != "said\n" {
		t.Errorf("output %q, %v", got, err)
	}
}

func TestRunRetriesADeadMachine(t *testing.T) {
	c := fakeMachine(t, map[string]string{"deaths": "1\n"})
	if r, err := Run(t.Context(), c); err != nil || r.Code != 3 {
		t.Fatalf("got %+v, %v, want code 3 of the second attempt", r, err)
	}
	first, err := os.ReadFile(filepath.Join(c.Results, "console.log"))
	if err != nil || !strings.Contains(string(first), "Kernel panic") {
		t.Errorf("console of the first attempt %q, %v", first, err)
	}
}

func TestRunFailsAfterTwoDeaths(t *testing.T) {
	c := fakeMachine(t, map[string]string{"deaths": "1\n2\n"})
	_, err := Run(t.Context(), c)
	var died *DiedError
	if !errors.As(err, &died) || !strings.Contains(died.Last, "Kernel panic") {
		t.Errorf("got %v, want a DiedError with the end of the console", err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	c := fakeMachine(t, map[string]string{"hangs": ""})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := Run(ctx, c); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
	wantOutput(t, c)
}

func TestMissingEmulatorNamesMake(t *testing.T) {
	c := fakeMachine(t, nil)
	t.Setenv("PATH", t.TempDir())
	if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "run make") {
		t.Errorf("got %v", err)
	}
}
