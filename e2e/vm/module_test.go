// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestModuleName(t *testing.T) {
	for file, want := range map[string]string{
		"veth.ko": "veth", "nft-x.ko.xz": "nft_x", "a.ko.zst": "a", "modules.order": "", "b.ko.txt": "",
	} {
		if got := moduleName(file); got != want {
			t.Errorf("%s: got %q, want %q", file, got, want)
		}
	}
}

func TestDependsEntry(t *testing.T) {
	got := dependsEntry("license=GPL\x00depends=nfnetlink,libcrc32c\x00name=nf_tables\x00")
	if diff := cmp.Diff([]string{"nfnetlink", "libcrc32c"}, got); diff != "" {
		t.Error(diff)
	}
	if got := dependsEntry("license=GPL\x00depends=\x00"); got != nil {
		t.Errorf("got %q for a module without dependencies", got)
	}
}

func TestModuleSet(t *testing.T) {
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "kernel"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "modules.builtin"), []byte("kernel/net/ipv6/ipv6.ko\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := newModuleSet(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.add("ipv6"); err != nil || len(s.order) != 0 {
		t.Errorf("built-in module: %v, order %q", err, s.order)
	}
	if err := s.add("veth"); err == nil {
		t.Error("a missing module was accepted")
	}
}

func TestAlgorithms(t *testing.T) {
	s := &moduleSet{paths: map[string]string{"crc32c_generic": "crypto/crc32c_generic.ko", "md5_generic": "crypto/md5_generic.ko"}}
	got := s.algorithms("license=GPL\x00softdep=pre: crc32c sha1\x00softdep=post: md5\x00depends=\x00")
	if diff := cmp.Diff([]string{"crc32c_generic"}, got); diff != "" {
		t.Error(diff)
	}
}
