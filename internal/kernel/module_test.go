// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sysfs creates these files in a temporary directory.
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
	return moduleTree{filepath.Join(dir, "btf"), filepath.Join(dir, "module"), filepath.Join(dir, "modules.builtin")}
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
		got, _, err := tree.modules(tc.o)
		if err != nil || strings.Join(got, " ") != tc.want {
			t.Errorf("%+v: %v %v", tc.o, got, err)
		}
	}
}

// TestAbsentModulesAreNoError checks that absent modules are named, and that the others are read.
func TestAbsentModulesAreNoError(t *testing.T) {
	tree := sysfs(t, "btf/vmlinux", "btf/veth", "module/veth/initstate", "module/old/initstate", "module/ipv6/uevent")
	if err := os.WriteFile(tree.builtin, []byte("kernel/net/ipv4/ip_tables.ko\nkernel/lib/crc-t10dif.ko\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	names, absent, err := tree.modules(Options{Modules: []string{"nosuch", "veth", "old", "ipv6", "ip-tables", "crc_t10dif"}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"veth"}, names); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	want := []AbsentModule{{"nosuch", ModuleNotLoaded}, {"old", ModuleWithoutBTF}, {"ipv6", ModuleBuiltIn}, {"ip-tables", ModuleBuiltIn}, {"crc_t10dif", ModuleBuiltIn}}
	if diff := cmp.Diff(want, absent); diff != "" {
		t.Errorf("absent (-want +got):\n%s", diff)
	}
	if err := os.Remove(tree.builtin); err != nil {
		t.Fatal(err)
	}
	_, absent, _ = tree.modules(Options{Modules: []string{"nosuch"}})
	if want := (AbsentModule{"nosuch", ModuleUnknown}); len(absent) != 1 || absent[0] != want {
		t.Errorf("absent without modules.builtin: %v, want %v", absent, want)
	}
}

func TestModuleErrors(t *testing.T) {
	tree := sysfs(t, "btf/vmlinux", "btf/veth", "module/veth/initstate")
	for _, name := range []string{"../veth", "vmlinux", "", "..", ".", "/"} {
		_, _, err := tree.modules(Options{Modules: []string{name}})
		var h *hinted
		if want := fmt.Sprintf("kernel module name %q is not valid", name); !errors.As(err, &h) || h.Error() != want || h.Hint() == "" || !h.Usage() {
			t.Errorf("%q: %v, want %s", name, err, want)
		}
	}
}
