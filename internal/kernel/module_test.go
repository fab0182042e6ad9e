// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sysfs makes a tree with these files.
func sysfs(t *testing.T, files ...string) moduleTree {
	t.Helper()
	dir := t.TempDir()
	for _, name := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return moduleTree{filepath.Join(dir, "btf"), filepath.Join(dir, "module")}
}

func TestModuleNames(t *testing.T) {
	tree := sysfs(t, "btf/vmlinux", "btf/veth", "btf/nf_tables",
		"module/veth/initstate", "module/nf_tables/initstate", "module/ipv6/uevent", "module/old/initstate")
	for _, tc := range []struct {
		o    Options
		want string
	}{
		{Options{}, ""},
		{Options{Modules: []string{"veth", "nf-tables", "veth"}}, "nf_tables veth"},
		{Options{Modules: []string{"ipv6"}}, ""}, // part of vmlinux
		{Options{AllModules: true}, "nf_tables veth"},
		{Options{LikelyModules: []string{"v*", "nf_conntrack"}}, "veth"},
		{Options{AllModules: true, Modules: []string{"veth"}}, "nf_tables veth"},
	} {
		got, err := tree.names(tc.o)
		if err != nil || strings.Join(got, " ") != tc.want {
			t.Errorf("%+v: %v %v", tc.o, got, err)
		}
	}
}

func TestModuleErrors(t *testing.T) {
	tree := sysfs(t, "btf/vmlinux", "btf/veth", "module/veth/initstate", "module/old/initstate")
	bare := sysfs(t, "btf/vmlinux", "module/old/initstate")
	for _, tc := range []struct {
		tree            moduleTree
		name, msg, hint string
		usage           bool
	}{
		{tree, "nosuch", `kernel module "nosuch" is not loaded`, "lsmod", true},
		{tree, "../veth", `kernel module name "../veth" is not valid`, "", true},
		{tree, "vmlinux", `kernel module name "vmlinux" is not valid`, "", true},
		{tree, "", `kernel module name "" is not valid`, "", true},
		{tree, "old", `kernel module "old" has no BTF`, "", false},
		{bare, "old", `kernel module "old" has no BTF`, "CONFIG_DEBUG_INFO_BTF_MODULES", false},
	} {
		_, err := tc.tree.names(Options{Modules: []string{tc.name}})
		var h *hinted
		if !errors.As(err, &h) || h.Error() != tc.msg || !strings.Contains(h.Hint(), tc.hint) || h.Usage() != tc.usage {
			t.Errorf("%q: %#v", tc.name, err)
		}
	}
}
