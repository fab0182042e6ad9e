// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"tracer/internal/bpf"
)

// operands are the kernel's names of the arguments of functions with an operation: the packet that changes or
// ends, and the second operand.
var operands = map[bpf.RoleKind]struct{ packet, other []string }{
	bpf.RoleCopy:      {[]string{"new", "n", "dst"}, []string{"old", "skb", "src"}},
	bpf.RoleCut:       {[]string{"to"}, []string{"from"}},
	bpf.RoleMerge:     {[]string{"skb"}, []string{"p"}},
	bpf.RoleQueue:     {[]string{"skb"}, []string{"q"}},
	bpf.RoleJoin:      {[]string{"head"}, []string{"q"}},
	bpf.RoleUnqueue:   {nil, []string{"q"}},
	bpf.RoleTurn:      {[]string{"skb"}, nil},
	bpf.RoleCross:     {[]string{"skb"}, nil},
	bpf.RoleSettle:    {[]string{"skb"}, nil},
	bpf.RoleLend:      {[]string{"skb"}, nil},
	bpf.RoleHold:      {nil, []string{"xdp"}},
	bpf.RoleRelease:   {nil, []string{"xdpf"}},
	bpf.RoleReturn:    {nil, []string{"xdp"}},
	bpf.RoleLendWhole: {[]string{"skb"}, nil},
	bpf.RoleDie:       {[]string{"skb"}, nil},
	bpf.RoleLeave:     {[]string{"skb"}, nil},
	bpf.RoleEnd:       {[]string{"skb"}, nil},
	bpf.RoleSteal:     {[]string{"skb"}, []string{"head_stolen"}},
	bpf.RoleFreeData:  {[]string{"skb"}, nil},
	bpf.RoleFree:      {[]string{"skb"}, nil},
}

// players yields each operation with each of its functions.
func players(yield func(part, string) bool) {
	for _, p := range parts {
		for _, function := range p.functions {
			if !yield(p, function) {
				return
			}
		}
	}
}

// checkArguments compares the positions of an operation with the names of a function's parameters. An event of
// a copy is about the original, any other event about the packet itself.
func (p part) checkArguments(t *testing.T, function string, params []string) {
	t.Helper()
	names := operands[p.kind]
	about := names.packet
	if p.kind == bpf.RoleCopy || p.kind == bpf.RoleCut {
		about = names.other
	}
	for _, a := range []struct {
		what     string
		position uint8
		names    []string
		optional bool
	}{{"packet", p.packet, names.packet, false}, {"other", p.other, names.other, false}, {"row", p.row, about, true}} {
		switch {
		case a.position == 0 && (a.optional || a.names == nil):
		case a.position == 0 || int(a.position) > len(params):
			t.Errorf("%s(%s): %s is argument %d", function, strings.Join(params, ", "), a.what, a.position)
		case !slices.Contains(a.names, params[a.position-1]):
			t.Errorf("%s(%s): %s is %q, want one of %q", function, strings.Join(params, ", "), a.what, params[a.position-1], a.names)
		}
	}
}

// declared is a line of testdata/prototypes.txt: a prototype, and the kernels that have it.
type declared struct {
	function string
	params   []string
	kernels  []string
}

func declarations(t *testing.T) (list []declared) {
	t.Helper()
	text, err := os.ReadFile("testdata/prototypes.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		declaration, kernels, _ := strings.Cut(strings.TrimSpace(line), "\t")
		function, params, _ := strings.Cut(strings.TrimSuffix(declaration, ")"), "(")
		p := declared{function: function, kernels: strings.Fields(kernels)}
		for _, param := range strings.Split(params, ", ") {
			p.params = append(p.params, param[strings.LastIndexAny(param, " *")+1:])
		}
		list = append(list, p)
	}
	return list
}

// TestArgumentsOfParts checks that the argument at each position has the expected name in the prototypes of
// all kernels that the tests run on.
func TestArgumentsOfParts(t *testing.T) {
	all := declarations(t)
	for p, function := range players {
		known := false
		for _, proto := range all {
			if proto.function == function && p.playsOn(proto.kernels, all) {
				known = true
				p.checkArguments(t, function, proto.params)
			}
		}
		if !known {
			t.Errorf("%s is not in testdata/prototypes.txt", function)
		}
	}
}

// playsOn reports whether one of the kernels lacks the function that would perform the operation instead.
func (p part) playsOn(kernels []string, all []declared) bool {
	i := slices.IndexFunc(all, func(proto declared) bool { return proto.function == p.unless })
	return i < 0 || slices.ContainsFunc(kernels, func(k string) bool { return !slices.Contains(all[i].kernels, k) })
}

// TestPartsFitTheKernel checks the same against the BTF of the running kernel.
func TestPartsFitTheKernel(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); errors.Is(err, fs.ErrNotExist) {
		t.Skip("this kernel has no BTF")
	}
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for p, name := range players {
		var f *btf.Func
		if p.unless != "" && spec.TypeByName(p.unless, &f) == nil {
			continue
		}
		if spec.TypeByName(name, &f) != nil {
			continue // in another kernel version, or in a module
		}
		found++
		var params []string
		for _, param := range f.Type.(*btf.FuncProto).Params {
			params = append(params, param.Name)
		}
		p.checkArguments(t, name, params)
	}
	if found < 15 {
		t.Errorf("the kernel has only %d of the functions", found)
	}
}

// TestOperationsOfParts compares the kind and origin of each operation with those that the names of its
// functions suggest.
func TestOperationsOfParts(t *testing.T) {
	words := []struct {
		name   string
		kind   bpf.RoleKind
		origin bpf.Origin
	}{
		{"__copy_skb_header", bpf.RoleCopy, 0}, // for copies and clones
		{"skb_copy_header", bpf.RoleCopy, bpf.OriginCopy},
		{".*_clone|.*_morph", bpf.RoleCopy, bpf.OriginClone},
		{"ip6?_copy_metadata", bpf.RoleCut, bpf.OriginFragment},
		{".*_gro_receive(_list)?", bpf.RoleMerge, 0},
		{".*_queue_insert", bpf.RoleQueue, 0},
		{".*_reasm_finish", bpf.RoleJoin, 0},
		{"inet_frag_destroy", bpf.RoleUnqueue, 0},
		{".*_pull_header|.*_input_.*", bpf.RoleTurn, bpf.OriginInner},
		{"iptunnel_handle_.*|.*_output", bpf.RoleTurn, bpf.OriginOuter},
		{".*_scrub_packet", bpf.RoleCross, 0},
		{".*_expand_head", bpf.RoleSettle, 0},
		{"consume_skb", bpf.RoleLend, 0},
		{".*_redirect|.*_xdp_tx", bpf.RoleHold, 0},
		{"xdp_return_frame.*", bpf.RoleRelease, 0},
		{"xdp_return_buff", bpf.RoleReturn, 0},
		{".*_generic(_xdp)?", bpf.RoleLendWhole, 0},
		{"skb_release_head_state", bpf.RoleDie, 0},
		{"skb_release_data", bpf.RoleLeave, 0},
		{"skb_free_head", bpf.RoleFreeData, 0},
		{"napi_skb_free_.*|napi_reuse_skb", bpf.RoleEnd, 0},
		{".*_partial", bpf.RoleSteal, 0},
		{"kfree_skbmem|.*_cache_put", bpf.RoleFree, 0},
	}
	for p, function := range players {
		matched := 0
		for _, w := range words {
			if !regexp.MustCompile("^(" + w.name + ")$").MatchString(function) {
				continue
			}
			matched++
			if p.kind != w.kind || p.origin != w.origin {
				t.Errorf("%s: kind %v, origin %v, want %v and %v", function, p.kind, p.origin, w.kind, w.origin)
			}
		}
		if matched != 1 {
			t.Errorf("%s: matches %d of the names, want 1", function, matched)
		}
	}
}

// TestOriginsOfCopiers does the same for the functions that call them.
func TestOriginsOfCopiers(t *testing.T) {
	for _, c := range copiers {
		for _, function := range c.functions {
			want := bpf.OriginSame // replaces the data, or has a part of its own
			switch {
			case strings.Contains(function, "clone"), strings.Contains(function, "morph"):
				want = bpf.OriginClone
			case strings.Contains(function, "segment"):
				want = bpf.OriginSegment
			case strings.HasPrefix(function, "veth_"):
				want = bpf.OriginXDP
			}
			if c.origin != want {
				t.Errorf("%s makes %v, want %v", function, c.origin, want)
			}
		}
	}
}
