// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// testCall is the prototype of a function in the fake kernel: int f(struct sk_buff *packet, u16 port,
// s8 step, struct pair both).
func testCall(types fakeTypes) *btf.FuncProto {
	one := func(name string) btf.Type { return types[name][0] }
	return &btf.FuncProto{Return: intType, Params: []btf.FuncParam{
		{Name: "packet", Type: &btf.Pointer{Target: one("sk_buff")}},
		{Name: "port", Type: one("u16")},
		{Name: "step", Type: one("s8")},
		{Name: "both", Type: one("pair")},
	}}
}

// TestArgumentsAreTruncated checks that the upper bits of a register, which are undefined for an
// argument with fewer bits, are ignored.
func TestArgumentsAreTruncated(t *testing.T) {
	l := newLab(t)
	types := newTypes()
	w := world{Ub: 7, Us: 1, Address: l.address}
	l.show(t, l.address+packetAt, w.bytes())
	args := []uint64{l.address + packetAt, 0xffff_0000_1111_0016, 0xaaaa_bbbb_cccc_ddff, 0, 0xdead_beef_ffff_fff5}
	for text, want := range map[string]int64{
		"packet->ub":                     7,
		"port":                           0x16,
		"step":                           -1,
		"ret":                            -11,
		"port + step":                    0x15,
		"ret < 0 && packet->us == 1":     1,
		"packet->arr[step + 1] == 0":     1,
		"(u64)packet - (u64)packet->raw": packetAt - innerAt,
	} {
		p, err := Value(types, Arguments(testCall(types)), text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		got, ok := l.reads(t, listedBody(t, l.output, args, p.Body))
		if number := int64(binary.LittleEndian.Uint64(got)); !ok || number != want {
			t.Errorf("%q: %d (read: %t), want %d", text, number, ok, want)
		}
	}
}

// listedBody loads a body with a caller that puts the arguments on its stack.
func listedBody(t *testing.T, output *ebpf.Map, args []uint64, body asm.Instructions) *ebpf.Program {
	t.Helper()
	bottom := -8 * len(args)
	var insns asm.Instructions
	for i, arg := range args {
		insns = append(insns,
			asm.LoadImm(asm.R1, int64(arg), asm.DWord),
			asm.StoreMem(asm.R10, int16(bottom+8*i), asm.R1, asm.DWord))
	}
	insns = append(insns,
		asm.Mov.Reg(asm.R1, asm.R10),
		asm.Add.Imm(asm.R1, int32(bottom)),
		asm.LoadMapValue(asm.R2, output.FD(), 0),
		asm.Call.Label("body"),
		asm.Return())
	body = append(asm.Instructions{}, body...)
	body[0] = body[0].WithSymbol("body")
	return load(t, append(insns, body...))
}

func TestUnknownRoots(t *testing.T) {
	types := newTypes()
	types.add(&btf.Struct{Name: "xdp_buff", Size: 8, Members: []btf.Member{field("data", 0, &btf.Pointer{Target: &btf.Void{}})}})
	call := Arguments(testCall(types))
	for _, test := range []struct {
		roots            Roots
		text, want, near string
	}{
		{Xdp, "skb->len == 1", `xdp expression "skb->len == 1": "skb" is unknown: an expression starts with xdp`, "xdp"},
		{Xdp, "xpd->data == 0", `"xpd" is unknown`, "xdp"},
		{Xdp, "data == 0", `"data" is unknown`, "xdp->data"},
		{Xdp, "qqqqqq == 1", "use xdp or an enum constant", ""},
		{Skb, "xdp->data == 0", `skb expression "xdp->data == 0": "xdp" is unknown: an expression starts with skb`, "skb"},
		{call, "pakcet->ub", `expression "pakcet->ub": "pakcet" is unknown: an expression starts with packet, port, step, both, ret`, "packet"},
		{call, "prot == 1", `"prot" is unknown`, "port ret"},
		{call, "ub == 1", `"ub" is unknown`, "packet->ub"},
		{call, "port->x", "u16 has no members", ""},
		{call, "both.a", "both is struct pair, which is neither a number nor a pointer", ""},
		{call, "SHUT->x", "has no members", ""},
		{call, "NULL->x", "the type behind void * is unknown", ""},
	} {
		_, err := Value(types, test.roots, test.text)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %q", test.text, err, test.want)
			continue
		}
		if near := strings.Join(err.(*Error).Near, " "); near != test.near {
			t.Errorf("%q: near are %q, want %q", test.text, near, test.near)
		}
	}
}

// TestMissingRoots checks that a void function has no root for its result, and the error for a kernel
// without struct xdp_buff.
func TestMissingRoots(t *testing.T) {
	nothing := Arguments(&btf.FuncProto{Return: &btf.Void{}, Params: []btf.FuncParam{{Name: "n", Type: intType}}})
	if _, err := Value(newTypes(), nothing, "ret"); err == nil || !strings.Contains(err.Error(), `"ret" is unknown`) {
		t.Errorf("%v", err)
	}
	if _, err := Value(newTypes(), nothing, "n"); err != nil {
		t.Error(err)
	}
	if _, err := Condition(newTypes(), Xdp, "xdp->data == 0"); err == nil || !strings.Contains(err.Error(), "have no struct xdp_buff") {
		t.Errorf("%v", err)
	}
}
