// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// TestEncode checks that the types can be read again, with their members at the same places.
func TestEncode(t *testing.T) {
	l := layoutOf("5.10.0-32-cloud-amd64")
	raw, err := l.encode(l.functions["nf_tables"])
	if err != nil {
		t.Fatal(err)
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range l.structs {
		var got *btf.Struct
		if err := spec.TypeByName(s.name, &got); err != nil {
			t.Fatal(err)
		}
		if got.Size != s.size || len(got.Members) != len(s.members) {
			t.Errorf("%s: %d B, %d members", s.name, got.Size, len(got.Members))
		}
		for i, m := range s.members {
			at := got.Members[i]
			if at.Name != m.name || uint32(at.Offset) != 8*m.at+m.from || uint32(at.BitfieldSize) != m.bits || at.Type == nil {
				t.Errorf("%s.%s: %+v", s.name, m.name, at)
			}
		}
	}
	for _, name := range l.functions["nf_tables"] {
		var f *btf.Func
		if err := spec.TypeByName(name, &f); err != nil || len(f.Type.(*btf.FuncProto).Params) != len(nftParameters(name)) {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
}

// TestReleases checks for which releases there is a layout.
func TestReleases(t *testing.T) {
	for release, want := range map[string]bool{"5.10.0-32-amd64": true, "5.10.251": true, "5.1.10": false, "5.11.0": false, "5.100.0": false, "6.1.0": false, "": false} {
		if got := layoutOf(release) != nil; got != want {
			t.Errorf("%q: %v", release, got)
		}
	}
}

// world is the memory of a kernel that has a layout, as the probes of a trial copy it.
type world struct {
	*layout
	list []capture
}

// Addresses in the memory.
const (
	earlyAt, firstAt, secondAt, pktAt, regsAt, ruleAt = 0x10000, 0x20000, 0x30000, 0x40000, 0x50000, 0x60000
)

var wanted = listed{table: "trlABCDEFGHIJ", tableHandle: 7, early: 1, first: 2, second: 3, jump: 5, drop: 9}

func (w *world) add(recipes []recipe, function string, arguments ...uint64) *capture {
	i := slices.IndexFunc(recipes, func(r recipe) bool { return r.function == function })
	c := capture{&recipes[i], make([]byte, captureSize)}
	for k, a := range arguments {
		binary.NativeEndian.PutUint64(c.raw[8*(1+k):], a)
	}
	w.list = append(w.list, c)
	return &w.list[len(w.list)-1]
}

// put writes a member of a struct that begins at a position of an object.
func (w *world) put(c *capture, object string, start uint32, of, name string, value uint64) {
	m, to := w.member(of, name), c.of(object)
	at := to[start+m.at:]
	switch m.of {
	case "u8":
		at[0] = byte(value)
	case "u16":
		binary.NativeEndian.PutUint16(at, uint16(value)|binary.NativeEndian.Uint16(at))
	case "u32", "s32":
		binary.NativeEndian.PutUint32(at, uint32(value))
	default:
		binary.NativeEndian.PutUint64(at, value<<m.from|binary.NativeEndian.Uint64(at))
	}
}

func (w *world) chain(recipes []recipe, at uint64, name string, handle, policy, next uint64, priority int32) *capture {
	c, chain := w.add(recipes, doChain, pktAt, at), w.offset("nft_base_chain", "chain")
	w.put(c, "pkt", 0, "nft_pktinfo", "skb", 0x1234)
	w.put(c, "state", 0, "nf_hook_state", "hook", nfInetLocalOut)
	w.put(c, "state", 0, "nf_hook_state", "pf", 2)
	w.put(c, "base", 0, "nf_hook_ops", "hooknum", nfInetLocalOut)
	w.put(c, "base", 0, "nf_hook_ops", "pf", 2)
	w.put(c, "base", 0, "nf_hook_ops", "priority", uint64(uint32(priority)))
	w.put(c, "base", 0, "nft_base_chain", "policy", policy)
	w.put(c, "base", chain, "nft_chain", "handle", handle)
	w.put(c, "base", chain+w.offset("nft_chain", "list"), "list_head", "next", next)
	w.put(c, "table", 0, "nft_table", "handle", wanted.tableHandle)
	w.put(c, "table", 0, "nft_table", "family", 2)
	w.put(c, "table", w.offset("nft_table", "chains"), "list_head", "next", earlyAt+uint64(w.offset("nft_chain", "list")))
	copy(c.of("table name"), wanted.table)
	copy(c.of("chain name"), name)
	return c
}

func (w *world) expression(recipes []recipe, function string, rule, lastChain uint64) *capture {
	c := w.add(recipes, function, rule+uint64(w.offset("nft_rule", "data")), regsAt, pktAt)
	w.put(c, "regs", 0, "nft_verdict", "code", nftContinue)
	w.put(c, "regs", 0, "nft_verdict", "chain", lastChain)
	return c
}

// newWorld returns the memory of a kernel with a layout, which is read by the recipes of another one.
func newWorld(kernel, read *layout) *world {
	w, recipes := &world{layout: kernel}, read.recipes()
	data, list := w.offset("nft_expr", "data"), uint64(w.offset("nft_chain", "list"))
	w.chain(recipes, earlyAt, "early", wanted.early, 1, firstAt+list, earlyPriority)
	first := w.chain(recipes, firstAt, "first", wanted.first, 0, secondAt+list, firstPriority)
	binary.NativeEndian.PutUint64(first.of("rules 0"), ruleAt)
	binary.NativeEndian.PutUint64(first.of("rules 1"), ruleAt)
	binary.NativeEndian.PutUint64(first.of("rules 1")[8:], ruleAt+0x100)
	rule := func(c *capture, handle uint64) {
		w.put(c, "rule", 0, "nft_rule", "handle", handle)
		w.put(c, "rule", 0, "nft_rule", "dlen", uint64(data+w.size("nft_immediate_expr")))
	}
	jump := w.expression(recipes, immediate, ruleAt, 0)
	w.put(jump, "expr", data, "nft_verdict", "code", nftJump)
	w.put(jump, "expr", data, "nft_verdict", "chain", secondAt)
	rule(jump, wanted.jump)
	for i, result := range []uint64{0, reg1, 0} {
		c, flags := w.expression(recipes, lookup, ruleAt+0x200+0x40*uint64(i), secondAt), []uint64{mapFlag, mapFlag, 0}[i]
		w.put(c, "expr", data, "nft_lookup", "dreg", result)
		w.put(c, "expr", data, "nft_lookup", "sreg", reg1)
		w.put(c, "set", 0, "nft_set", "flags", flags|3)
	}
	w.put(w.expression(recipes, immediate, ruleAt+0x300, secondAt), "expr", data, "nft_immediate_expr", "dreg", reg1)
	rule(w.expression(recipes, immediate, ruleAt+0x400, secondAt), wanted.drop)
	return w
}

// moved returns a copy of a layout with one member at another place.
func moved(l layout, structure, member int, by uint32) *layout {
	l.structs = slices.Clone(l.structs)
	s := &l.structs[structure]
	s.members = slices.Clone(s.members)
	s.members[member].at += by
	return &l
}

// unread are members that the BPF programs do not read, and the packet: values of a wrong packet are not used.
var unread = []string{"list_head.prev", "nft_expr.ops", "nft_lookup.invert", "nft_immediate_expr.dlen", "nft_pktinfo.skb"}

// TestJudge checks that the layout is accepted on a kernel that has it, and refused on each kernel on which one member is
// at another place.
func TestJudge(t *testing.T) {
	l := &nftables510
	if err := l.judge(newWorld(l, l).list, wanted); err != nil {
		t.Fatal(err)
	}
	for i, s := range l.structs {
		for k, m := range s.members {
			name := s.name + "." + m.name
			if slices.Contains(unread, name) || strings.HasSuffix(m.of, "[]") && s.name != "nft_rule" || m.of == "nft_verdict" || m.of == "nft_data" || m.of == "nf_hook_ops" {
				continue
			}
			other := moved(*l, i, k, 4)
			// The pointers of a capture lead to the objects only if the kernel has the pointer where the recipe reads it.
			if isPointerOfRecipe(name) {
				if fmt.Sprint(other.recipes()) == fmt.Sprint(l.recipes()) {
					t.Errorf("%s: the recipes do not depend on it", name)
				}
				continue
			}
			if err := l.judge(newWorld(other, l).list, wanted); err == nil {
				t.Errorf("%s is at another place, and the layout is accepted", name)
			}
		}
	}
}

// isPointerOfRecipe reports whether a recipe follows the pointer in a member.
func isPointerOfRecipe(name string) bool {
	return slices.Contains([]string{
		"nft_chain.table", "nft_chain.name", "nft_chain.rules_gen_0", "nft_chain.rules_gen_1", "nft_table.name", "nft_lookup.set", "nft_pktinfo.xt", "xt_action_param.state",
	}, name)
}

// TestJudgeNumbers checks that wrong handles, names and calls are noticed.
func TestJudgeNumbers(t *testing.T) {
	l := &nftables510
	for name, change := range map[string]func(*listed){
		"table":        func(w *listed) { w.table = "other" },
		"table handle": func(w *listed) { w.tableHandle++ },
		"early":        func(w *listed) { w.early++ },
		"first":        func(w *listed) { w.first++ },
		"jump":         func(w *listed) { w.jump++ },
		"drop":         func(w *listed) { w.drop++ },
	} {
		want := wanted
		change(&want)
		if l.judge(newWorld(l, l).list, want) == nil {
			t.Errorf("another %s is accepted", name)
		}
	}
	list := newWorld(l, l).list
	for i := range list {
		if l.judge(slices.Delete(slices.Clone(list), i, i+1), wanted) == nil {
			t.Errorf("call %d is missing, and the layout is accepted", i)
		}
	}
	if l.judge(nil, wanted) == nil {
		t.Error("without a call the layout is accepted")
	}
}

// TestIsLoaded compares with the kernel's list of modules.
func TestIsLoaded(t *testing.T) {
	list, err := os.ReadFile("/proc/modules")
	if err != nil {
		t.Skip(err) // a kernel without modules
	}
	for line := range strings.Lines(string(list)) {
		if name := strings.Fields(line)[0]; !isLoaded(name) {
			t.Errorf("%s is not loaded", name)
		}
	}
	for _, name := range []string{"no_such_module", "kernel", "printk"} { // built in
		if isLoaded(name) {
			t.Errorf("%s is loaded", name)
		}
	}
}
