// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"encoding/json"
	"os"
	"path"
	"strings"

	"tracer/e2e/boot"
)

// virtioSerial are the modules for the ports that carry output and results to the host.
var virtioSerial = []string{"virtio_pci", "virtio_console"}

// initramfs returns an archive of all files of the guest: init, modules, other files and the task.
func (c *Config) initramfs() ([]byte, error) {
	modules, err := c.resolve()
	if err != nil {
		return nil, err
	}
	var a archive
	a.char("dev/console", 5, 1)
	for _, folder := range []string{"proc", "sys", "tmp", "run", "etc", "root", inside(boot.Results)} {
		a.folders(folder)
	}
	for _, name := range modules.order {
		a.file(inside(path.Join(boot.Modules, name+".ko")), 0o644, modules.data[name])
	}
	if err := c.addFiles(&a); err != nil {
		return nil, err
	}
	task, err := json.Marshal(c.task(modules))
	if err != nil {
		return nil, err
	}
	a.file(inside(boot.TaskFile), 0o644, task)
	return a.bytes(), nil
}

func (c *Config) task(modules *moduleSet) boot.Task {
	return boot.Task{Modules: modules.order, Command: c.Command, Env: c.Env}
}

func (c *Config) resolve() (*moduleSet, error) {
	folder, err := c.Kernel.modules()
	if err != nil {
		return nil, err
	}
	set, err := newModuleSet(folder)
	if err != nil {
		return nil, err
	}
	for _, name := range append(virtioSerial, c.Modules...) {
		if err := set.add(name); err != nil {
			return nil, err
		}
	}
	return set, nil
}

func (c *Config) addFiles(a *archive) error {
	if err := add(a, "init", c.Init); err != nil {
		return err
	}
	for guest, host := range c.Files {
		if err := add(a, inside(guest), host); err != nil {
			return err
		}
	}
	return nil
}

func add(a *archive, guest, host string) error {
	data, err := os.ReadFile(host)
	if err != nil {
		return err
	}
	a.file(guest, 0o755, data)
	return nil
}

// inside returns a guest path as an archive member's name, without the leading slash.
func inside(name string) string {
	return strings.TrimPrefix(name, "/")
}
