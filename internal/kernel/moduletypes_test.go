// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// TestModuleTypes checks that an absent module is no error, but broken BTF is.
func TestModuleTypes(t *testing.T) {
	base, err := btf.LoadSpecFromReader(bytes.NewReader(marshal(t, tInt, tSkb)))
	if err != nil {
		t.Fatal(err)
	}
	tree := sysfs(t, "btf/vmlinux", "btf/broken")
	specs, err := tree.types(base, []string{"nf_conntrack"})
	if err != nil || len(specs) != 0 {
		t.Errorf("%v, %v", specs, err)
	}
	if _, err = tree.types(base, []string{"broken"}); err == nil || !strings.Contains(err.Error(), `BTF of kernel module "broken"`) {
		t.Error(err)
	}
}

// TestModuleTypesHere reads the types of a module of this kernel, if one is loaded.
func TestModuleTypesHere(t *testing.T) {
	modules := sysModules().withBTF()
	if len(modules) == 0 {
		t.Skip("no module with BTF is loaded")
	}
	raw, err := os.ReadFile(filepath.Join(btfDir, "vmlinux"))
	if err != nil {
		t.Fatal(err)
	}
	base, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	specs, err := ModuleTypes(base, modules[0])
	if err != nil || len(specs) != 1 {
		t.Errorf("%s: %v, %v", modules[0], specs, err)
	}
	if !Describes("sk_buff", specs...) && !Describes("sk_buff", base) || Describes("no_such_struct", append(specs, base)...) {
		t.Error("Describes is wrong about sk_buff or no_such_struct")
	}
}

// TestDefinesFunc checks that a struct of the same name is not taken for a function.
func TestDefinesFunc(t *testing.T) {
	proto := &btf.FuncProto{Return: &btf.Void{}}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(marshal(t, &btf.Func{Name: "nft_do_chain", Type: proto}, &btf.Struct{Name: "nf_conn", Size: 8})))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"nft_do_chain": true, "nf_conn": false, "nf_conntrack_in": false} {
		if got := DefinesFunc(name, spec); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// TestDescribed checks that the functions of described modules are found, and that broken types are an error.
func TestDescribed(t *testing.T) {
	proto := &btf.FuncProto{Return: &btf.Void{}, Params: []btf.FuncParam{{Name: "pkt", Type: &btf.Pointer{Target: &btf.Struct{Name: "nft_pktinfo", Size: 8}}}}}
	raw := marshal(t, &btf.Func{Name: "nft_do_chain", Type: proto})
	g := gathering{options: Options{Described: []DescribedModule{{"nf_tables", raw}}, NoSkbFuncs: []*regexp.Regexp{MustWholeName("nft_do_chain")}}}
	if err := g.addDescribed(); err != nil {
		t.Fatal(err)
	}
	if len(g.images) != 1 || g.images[0].module != "nf_tables" || g.images[0].byName["nft_do_chain"] == nil || !Describes("nft_pktinfo", g.described...) {
		t.Errorf("%+v, %v", g.images, g.described)
	}
	g.options.Described[0].Raw = raw[:8]
	if err := g.addDescribed(); err == nil || !strings.Contains(err.Error(), "types of kernel module nf_tables") {
		t.Error(err)
	}
}
