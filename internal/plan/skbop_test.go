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
var operands = map[bpf.SkbOpKind]struct{ packet, operand []string }{
	bpf.OpCopy:        {[]string{"new", "n", "dst"}, []string{"old", "skb", "src"}},
	bpf.OpSplit:       {[]string{"to"}, []string{"from"}},
	bpf.OpMerge:       {[]string{"skb"}, []string{"p"}},
	bpf.OpQueue:       {[]string{"skb"}, []string{"q"}},
	bpf.OpReassemble:  {[]string{"head"}, []string{"q"}},
	bpf.OpDropQueue:   {nil, []string{"q"}},
	bpf.OpTunnel:      {[]string{"skb"}, nil},
	bpf.OpLeaveDevice: {[]string{"skb"}, nil},
	bpf.OpReplaceHead: {[]string{"skb"}, nil},
	bpf.OpXDPLend:     {[]string{"skb"}, nil},
	bpf.OpXDPTake:     {nil, []string{"xdp"}},
	bpf.OpXDPFree:     {nil, []string{"xdpf"}},
	bpf.OpXDPReturn:   {nil, []string{"xdp"}},
	bpf.OpXDPLendSkb:  {[]string{"skb"}, nil},
	bpf.OpBeginFree:   {[]string{"skb"}, nil},
	bpf.OpReleaseData: {[]string{"skb"}, nil},
	bpf.OpEnd:         {[]string{"skb"}, nil},
	bpf.OpStealData:   {[]string{"skb"}, []string{"head_stolen"}},
	bpf.OpFreeData:    {[]string{"skb"}, nil},
	bpf.OpFree:        {[]string{"skb"}, nil},
}

// performers yields each operation with each of its functions.
func performers(yield func(skbOp, string) bool) {
	for _, op := range skbOps {
		for _, function := range op.functions {
			if !yield(op, function) {
				return
			}
		}
	}
}

// checkArguments compares the positions of an operation with the names of a function's parameters. The event of
// a copy or a fragment shows the original packet, any other event the packet itself.
func (op skbOp) checkArguments(t *testing.T, function string, params []string) {
	t.Helper()
	names := operands[op.kind]
	about := names.packet
	if op.kind == bpf.OpCopy || op.kind == bpf.OpSplit {
		about = names.operand
	}
	for _, a := range []struct {
		what     string
		position uint8
		names    []string
		optional bool
	}{{"packet", op.packet, names.packet, false}, {"operand", op.operand, names.operand, false}, {"shown", op.shown, about, true}} {
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

// TestArgumentsOfSkbOps checks that the argument at each position has the expected name in the prototypes of
// all kernels that the tests run on.
func TestArgumentsOfSkbOps(t *testing.T) {
	all := declarations(t)
	for op, function := range performers {
		known := false
		for _, proto := range all {
			if proto.function == function && op.performedOn(proto.kernels, all) {
				known = true
				op.checkArguments(t, function, proto.params)
			}
		}
		if !known {
			t.Errorf("%s is not in testdata/prototypes.txt", function)
		}
	}
}

// performedOn reports whether one of the kernels lacks the function that would perform the operation instead.
func (op skbOp) performedOn(kernels []string, all []declared) bool {
	i := slices.IndexFunc(all, func(proto declared) bool { return proto.function == op.unless })
	return i < 0 || slices.ContainsFunc(kernels, func(k string) bool { return !slices.Contains(all[i].kernels, k) })
}

// TestSkbOpsFitTheKernel does the same with the BTF of the running kernel.
func TestSkbOpsFitTheKernel(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); errors.Is(err, fs.ErrNotExist) {
		t.Skip("this kernel has no BTF")
	}
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for op, name := range performers {
		var f *btf.Func
		if op.unless != "" && spec.TypeByName(op.unless, &f) == nil {
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
		op.checkArguments(t, name, params)
	}
	if found < 15 {
		t.Errorf("the kernel has only %d of the functions", found)
	}
}

// TestSkbOpsByFunctionName compares the kind and origin of each operation with those that the names of its
// functions suggest.
func TestSkbOpsByFunctionName(t *testing.T) {
	words := []struct {
		name   string
		kind   bpf.SkbOpKind
		origin bpf.Origin
	}{
		{"__copy_skb_header", bpf.OpCopy, 0}, // for copies and clones
		{"skb_copy_header", bpf.OpCopy, bpf.OriginCopy},
		{".*_clone|.*_morph", bpf.OpCopy, bpf.OriginClone},
		{"ip6?_copy_metadata", bpf.OpSplit, bpf.OriginFragment},
		{".*_gro_receive(_list)?", bpf.OpMerge, 0},
		{".*_queue_insert", bpf.OpQueue, 0},
		{".*_reasm_finish", bpf.OpReassemble, 0},
		{"inet_frag_destroy", bpf.OpDropQueue, 0},
		{".*_pull_header|.*_input_.*", bpf.OpTunnel, bpf.OriginInner},
		{"iptunnel_handle_.*|.*_output", bpf.OpTunnel, bpf.OriginOuter},
		{".*_scrub_packet", bpf.OpLeaveDevice, 0},
		{".*_expand_head", bpf.OpReplaceHead, 0},
		{"consume_skb", bpf.OpXDPLend, 0},
		{".*_redirect|.*_xdp_tx", bpf.OpXDPTake, 0},
		{"xdp_return_frame.*", bpf.OpXDPFree, 0},
		{"xdp_return_buff", bpf.OpXDPReturn, 0},
		{".*_generic(_xdp)?", bpf.OpXDPLendSkb, 0},
		{"skb_release_head_state", bpf.OpBeginFree, 0},
		{"skb_release_data", bpf.OpReleaseData, 0},
		{"skb_free_head", bpf.OpFreeData, 0},
		{"napi_skb_free_.*|napi_reuse_skb", bpf.OpEnd, 0},
		{".*_partial", bpf.OpStealData, 0},
		{"kfree_skbmem|.*_cache_put", bpf.OpFree, 0},
	}
	for op, function := range performers {
		matched := 0
		for _, w := range words {
			if !regexp.MustCompile("^(" + w.name + ")$").MatchString(function) {
				continue
			}
			matched++
			if op.kind != w.kind || op.origin != w.origin {
				t.Errorf("%s: kind %v, origin %v, want %v and %v", function, op.kind, op.origin, w.kind, w.origin)
			}
		}
		if matched != 1 {
			t.Errorf("%s: matches %d of the names, want 1", function, matched)
		}
	}
}

// TestOriginsOfCopiers does the same for the origins of [copiers].
func TestOriginsOfCopiers(t *testing.T) {
	for _, c := range copiers {
		for _, function := range c.functions {
			want := bpf.OriginSame // replaces the data, or has an operation of its own
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
