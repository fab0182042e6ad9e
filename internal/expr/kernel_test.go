// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// running returns the types of the running kernel. It skips the test if these can't be read.
func running(tb testing.TB) *Kernel {
	tb.Helper()
	vmlinux, err := btf.LoadKernelSpec()
	if errors.Is(err, btf.ErrNotSupported) || errors.Is(err, os.ErrPermission) {
		tb.Skip(err)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return NewKernel(vmlinux, nil)
}

// TestRawConstantsEqualDecodedOnes compares the constants read from the raw BTF with those of the decoded types.
func TestRawConstantsEqualDecodedOnes(t *testing.T) {
	k := running(t)
	want := finder{k.vmlinux}.enumerators()
	got := k.enumerators()
	if len(want) < 1000 {
		t.Fatalf("only %d constants", len(want))
	}
	for name, w := range want {
		if g, ok := got[name]; !ok || g.value != w.value || g.of.Size != w.of.Size || g.of.Signed != w.of.Signed {
			t.Errorf("%s is %d %+v, want %d %+v", name, g.value, g.of, w.value, w.of)
		}
	}
}

func TestTruncatedBTFIsRejected(t *testing.T) {
	running(t)
	raw, err := os.ReadFile(filepath.Join(typesFolder, "vmlinux"))
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{0, 10, headerSize, len(raw) / 2, len(raw) - 1} {
		if _, err := parseRaw(raw[:size], nil); err == nil {
			t.Errorf("no error for the first %d bytes", size)
		}
	}
	whole, err := parseRaw(raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	whole.types = whole.types[:len(whole.types)-5]
	if err := whole.enumerators(map[string]enumerator{}); err == nil {
		t.Error("no error for a truncated type")
	}
}

// TestStringsOfSplitBTF decodes enums of a module, whose string offsets continue those of vmlinux. One
// constant has its name in the strings of vmlinux, one in those of the module, and one in neither.
func TestStringsOfSplitBTF(t *testing.T) {
	base := []byte("\x00OLD\x00")
	own := []byte("\x00NEW\x00")
	var types []byte
	for _, word := range []uint32{
		0, kindEnum<<24 | 1<<31 | 2, 4, // signed, with two constants of 4 bytes
		1, 5, uint32(len(base) + 1), 0xffffffff,
		0, kindEnum64<<24 | 1, 8,
		99, 1, 1, // an invalid offset of the name
	} {
		types = binary.LittleEndian.AppendUint32(types, word)
	}
	got := map[string]enumerator{}
	if err := (rawTypes{types, own, base}).enumerators(got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || got["OLD"].value != 5 || got["NEW"].value != ^uint64(0) || got[""].value != 1<<32|1 {
		t.Errorf("%+v", got)
	}
}

// built encodes types as the kernel's BTF and decodes them again.
func built(tb testing.TB, types ...btf.Type) *btf.Spec {
	tb.Helper()
	var b btf.Builder
	for _, t := range types {
		if _, err := b.Add(t); err != nil {
			tb.Fatal(err)
		}
	}
	raw, err := b.Marshal(nil, btf.KernelMarshalOptions())
	if err != nil {
		tb.Fatal(err)
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		tb.Fatal(err)
	}
	return spec
}

// TestVmlinuxBeforeModules checks that a struct of vmlinux has precedence, and that a struct that
// vmlinux only declares is found in a module.
func TestVmlinuxBeforeModules(t *testing.T) {
	conn := &btf.Struct{Name: "nf_conn", Size: 8, Members: []btf.Member{field("status", 4, unsignedInt)}}
	own := &btf.Struct{Name: "twice", Size: 4, Members: []btf.Member{field("a", 0, intType)}}
	other := &btf.Struct{Name: "twice", Size: 4, Members: []btf.Member{field("b", 0, intType)}}
	packet := &btf.Struct{Name: "sk_buff", Size: 16, Members: []btf.Member{
		field("_nfct", 0, unsignedLong), field("ct", 8, &btf.Pointer{Target: &btf.Fwd{Name: "nf_conn"}}),
	}}
	k := &Kernel{loaded: true}
	k.vmlinux = built(t, packet, own)
	k.modules = []*btf.Spec{built(t, conn, other)}
	for _, text := range []string{
		"skb->ct->status == 1", "((struct nf_conn *)(skb->_nfct & ~7ul))->status & 8", "((struct twice *)skb->ct)->a",
	} {
		if _, err := Condition(k, Skb, text); err != nil {
			t.Error(err)
		}
	}
	if _, err := Condition(k, Skb, "((struct twice *)skb->ct)->b"); err == nil {
		t.Error("the module's struct replaces that of vmlinux")
	}
	k.modules = nil
	if _, err := Condition(k, Skb, "skb->ct->status == 1"); err == nil {
		t.Error("a forward declaration has members")
	}
}

// TestStoredKernels compiles expressions with the stored types of other kernels. These contain sk_buff with
// all members, but not the targets of its pointers.
func TestStoredKernels(t *testing.T) {
	files, err := filepath.Glob("../value/testdata/*.btf.gz")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d stored kernels, error %v", len(files), err)
	}
	for _, file := range files {
		spec := unzipped(t, file)
		for text, want := range map[string]string{
			"skb->len + skb->data_len": "unsigned int", "skb->pkt_type": "__u8", "skb->cloned && skb->ip_summed == 3": "int",
			"skb->protocol": "__be16", "ntohs(skb->protocol) == 0x800": "int", "skb->cb": "char[48]", "skb->dev": "struct net_device *",
			"skb->users.refs.counter": "int", "skb->vlan_tci & 0xfff": "int", "skb->mark": "__u32", "skb->sk == NULL": "int",
			"sizeof(struct skb_shared_info)":                               "long unsigned int",
			"((struct skb_shared_info *)(skb->head + skb->end))->nr_frags": "__u8",
		} {
			if p, err := Value(spec, Skb, text); err != nil || typeName(p.Type) != want {
				t.Errorf("%s: %s: %+v, error %v, want %q", file, text, p, err, want)
			}
		}
		if _, err := Condition(spec, Skb, "skb->dev->ifindex == 1"); err == nil || !strings.Contains(err.Error(), "does not describe the members of struct net_device") {
			t.Errorf("%s: a device that is not stored: %v", file, err)
		}
	}
}

func unzipped(t *testing.T, file string) *btf.Spec {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// TestAddedTypes checks that types that were added are found if neither vmlinux nor a module has them.
func TestAddedTypes(t *testing.T) {
	k := running(t)
	types := []btf.Type{&btf.Struct{Name: "tracer_added", Size: 8}, &btf.Struct{Name: "sk_buff", Size: 8}}
	b, err := btf.NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	k.Add(spec)
	if found, err := k.AnyTypesByName("tracer_added"); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
	found, err := k.AnyTypesByName("sk_buff")
	if err != nil || len(found) != 1 || found[0].(*btf.Struct).Size == 8 {
		t.Errorf("%v, %v, want that of vmlinux", found, err)
	}
}
