// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/cilium/ebpf"
)

// sample is an expression and its result in Go: a number of any type, or nil if a read
// fails.
type sample struct {
	text string
	want func(w *world) any
}

func is(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

// within returns nil if a pointer in the path of the expression is NULL.
func within(there func(*world) bool, want func(*world) any) func(*world) any {
	return func(w *world) any {
		if !there(w) {
			return nil
		}
		return want(w)
	}
}

func hasIn(w *world) bool   { return w.HasIn }
func hasNext(w *world) bool { return w.HasIn && w.HasNext }

var samples = []sample{
	// members of all sizes and signs
	{"skb->ub", func(w *world) any { return w.Ub }},
	{"skb->sb", func(w *world) any { return w.Sb }},
	{"skb->us", func(w *world) any { return w.Us }},
	{"skb->ss", func(w *world) any { return w.Ss }},
	{"skb->ui", func(w *world) any { return w.Ui }},
	{"skb->si", func(w *world) any { return w.Si }},
	{"skb->ul", func(w *world) any { return w.Ul }},
	{"skb->sl", func(w *world) any { return w.Sl }},
	{"skb.ub", func(w *world) any { return w.Ub }},
	{"(*skb).ub", func(w *world) any { return w.Ub }},
	{"(*skb)->ub", func(w *world) any { return w.Ub }},
	{"skb[0].ub", func(w *world) any { return w.Ub }},
	{"skb->flag", func(w *world) any { return is(w.Flag) }},
	{"skb->state", func(w *world) any { return w.State }},
	{"skb", func(w *world) any { return w.Address + packetAt }},
	// bitfields
	{"skb->b1", func(w *world) any { return w.B1 }},
	{"skb->b2", func(w *world) any { return w.B2 }},
	{"skb->b3", func(w *world) any { return w.B3 }},
	{"skb->c1", func(w *world) any { return w.C1 }},
	{"skb->c2", func(w *world) any { return w.C2 }},
	{"skb->c3", func(w *world) any { return w.C3 }},
	{"skb->d1", func(w *world) any { return w.D1 }},
	{"skb->d2", func(w *world) any { return w.D2 }},
	{"skb->e1", func(w *world) any { return w.E1 }},
	{"skb->b2 - 5 < 0", func(w *world) any { return is(int(w.B2) < 5) }},
	{"skb->c3 - 70000 < 0", func(w *world) any { return int32(1) }}, // int: its bits fit
	{"skb->e1 - 1 < 0", func(w *world) any { return int32(0) }},     // unsigned int
	{"-skb->c1", func(w *world) any { return -w.C1 }},
	{"~skb->b1", func(w *world) any { return ^int32(w.B1) }},
	{"(u64)skb->c2", func(w *world) any { return uint64(int64(w.C2)) }},
	{"(s8)skb->c3", func(w *world) any { return int8(w.C3) }},
	// anonymous members, arrays, arrays of structs
	{"skb->mark", func(w *world) any { return w.Mark }},
	{"skb->low", func(w *world) any { return uint16(w.Mark) }},
	{"skb->high", func(w *world) any { return int16(w.Mark >> 16) }},
	{"skb->arr[2]", func(w *world) any { return w.Arr[2] }},
	{"*skb->arr", func(w *world) any { return w.Arr[0] }},
	{"skb->arr[skb->ui & 3]", func(w *world) any { return w.Arr[w.Ui&3] }},
	{"*(skb->arr + 1)", func(w *world) any { return w.Arr[1] }},
	{"*(1 + skb->arr)", func(w *world) any { return w.Arr[1] }},
	{"skb->arr[3 - (skb->ub & 3)]", func(w *world) any { return w.Arr[3-w.Ub&3] }},
	{"skb->pairs[1].a", func(w *world) any { return int16(w.A[1]) }},
	{"(skb->pairs + 2)->b", func(w *world) any { return uint8(w.B[2]) }},
	{"skb->grid[1][2]", func(w *world) any { return w.Grid[1][2] }},
	{"skb->grid[skb->b1][1]", func(w *world) any { return w.Grid[w.B1][1] }},
	{"skb->cb[5]", func(w *world) any { return uint8(5) }},
	{"&skb->arr[3] - &skb->arr[1]", func(w *world) any { return int64(2) }},
	{"&skb->arr[1] - &skb->arr[3]", func(w *world) any { return int64(-2) }},
	{"*(&skb->arr[2] - 1)", func(w *world) any { return w.Arr[1] }},
	{"(char *)&skb->pairs[1] - (char *)skb", func(w *world) any { return int64(164) }},
	{"(u64)&skb->us - (u64)skb", func(w *world) any { return uint64(2) }},
	{"*&skb->ui", func(w *world) any { return w.Ui }},
	{"(&skb->pairs[0])->a", func(w *world) any { return int16(w.A[0]) }},
	// pointers
	{"skb->in->x", within(hasIn, func(w *world) any { return w.X })},
	{"skb->in->next->x", within(hasNext, func(w *world) any { return w.X2 })},
	{"skb->in->back->in->x + 0", within(hasIn, func(w *world) any { return w.X })},
	{"skb->in->pairs[1].b", within(hasIn, func(w *world) any { return uint8(w.B[1]) })},
	{"skb->in->bytes[3]", within(hasIn, func(w *world) any { return w.Bytes[3] })},
	{"skb->in == NULL", func(w *world) any { return is(!w.HasIn) }},
	{"!skb->in", func(w *world) any { return is(!w.HasIn) }},
	{"skb->in && skb->in->x == 1", func(w *world) any { return is(w.HasIn && w.X == 1) }},
	{"!skb->in || skb->in->x > 0", func(w *world) any { return is(!w.HasIn || w.X > 0) }},
	{"!(skb->in->x == 1)", within(hasIn, func(w *world) any { return is(w.X != 1) })},
	{"skb->in->x == 1 || 1", within(hasIn, func(w *world) any { return int32(1) })},
	{"1 || skb->in->x", func(w *world) any { return int32(1) }},
	{"0 && skb->in->x", func(w *world) any { return int32(0) }},
	{"((struct inner *)skb->raw)->x", func(w *world) any { return w.X }},
	{"((struct inner *)(skb->raw + 256))->x", func(w *world) any { return w.X2 }},
	{"((struct inner *)(skb->raw + sizeof(struct inner) * 4))->x", func(w *world) any { return w.X2 }},
	{"((const struct inner *)(skb->ub - skb->ub + skb->raw))->x", func(w *world) any { return w.X }},
	{"skb->other->x", func(w *world) any { return w.X2 }},
	{"skb->in->back == skb", within(hasIn, func(w *world) any { return int32(1) })},
	{"skb->in->back > skb", within(hasIn, func(w *world) any { return int32(0) })},
	{"skb->run == 0xffffffff81000000", func(w *world) any { return int32(1) }},
	{"skb->tail[0] == 0xcc", func(w *world) any { return int32(1) }},
	{"*(u16 *)&skb->mark", func(w *world) any { return uint16(w.Mark) }},
	{"*((u8 *)skb + 1)", func(w *world) any { return uint8(w.Sb) }},
	{"((struct sk_buff *)0)->ub", func(w *world) any { return nil }},
	// promotions, conversions, signs
	{"skb->sb < skb->ub", func(w *world) any { return is(int32(w.Sb) < int32(w.Ub)) }},
	{"skb->si < skb->ui", func(w *world) any { return is(uint32(w.Si) < w.Ui) }},
	{"skb->si < skb->ul", func(w *world) any { return is(uint64(int64(w.Si)) < w.Ul) }},
	{"skb->ui < skb->sl", func(w *world) any { return is(int64(w.Ui) < w.Sl) }},
	{"skb->sl < skb->ul", func(w *world) any { return is(uint64(w.Sl) < w.Ul) }},
	{"skb->ss <= -1", func(w *world) any { return is(w.Ss <= -1) }},
	{"skb->ui > -1", func(w *world) any { return int32(0) }},
	{"skb->us > -1", func(w *world) any { return int32(1) }},
	{"skb->si == 0xffffffff", func(w *world) any { return is(w.Si == -1) }},
	{"skb->sl == 0xffffffff", func(w *world) any { return is(w.Sl == 0xffffffff) }},
	{"skb->sl >= 4294967295", func(w *world) any { return is(w.Sl >= 4294967295) }},
	{"skb->sl >= 18446744073709551615u", func(w *world) any { return is(w.Sl == -1) }},
	{"(u8)skb->si", func(w *world) any { return uint8(w.Si) }},
	{"(s16)skb->ul", func(w *world) any { return int16(w.Ul) }},
	{"(u32)skb->sl", func(w *world) any { return uint32(w.Sl) }},
	{"(int)skb->ul", func(w *world) any { return int32(w.Ul) }},
	{"(u64)skb->sb", func(w *world) any { return uint64(int64(w.Sb)) }},
	{"(unsigned char)(signed char)skb->si", func(w *world) any { return uint8(w.Si) }},
	{"(bool)skb->ul", func(w *world) any { return is(w.Ul != 0) }},
	{"(u32)-1 == -1L", func(w *world) any { return int32(0) }},
	{"(unsigned int)-1 == -1", func(w *world) any { return int32(1) }},
	{"-1 < 0u", func(w *world) any { return int32(0) }},
	// arithmetic
	{"skb->ui + 1", func(w *world) any { return w.Ui + 1 }},
	{"skb->si + 1", func(w *world) any { return w.Si + 1 }},
	{"skb->ui + 0xffffffff", func(w *world) any { return w.Ui - 1 }},
	{"skb->ul + 0x123456789abcdef", func(w *world) any { return w.Ul + 0x123456789abcdef }},
	{"skb->us * skb->us", func(w *world) any { return int32(w.Us) * int32(w.Us) }},
	{"skb->ul * skb->si", func(w *world) any { return w.Ul * uint64(int64(w.Si)) }},
	{"skb->ub - skb->us", func(w *world) any { return int32(w.Ub) - int32(w.Us) }},
	{"skb->ui - skb->ul", func(w *world) any { return uint64(w.Ui) - w.Ul }},
	{"skb->si / 3", func(w *world) any { return w.Si / 3 }},
	{"skb->si % 3", func(w *world) any { return w.Si % 3 }},
	{"skb->si / -1", func(w *world) any { return -w.Si }},
	{"skb->sl / -1", func(w *world) any { return -w.Sl }},
	{"skb->sl % -7", func(w *world) any { return w.Sl % -7 }},
	{"skb->sl / (skb->sl | 1)", func(w *world) any { return w.Sl / (w.Sl | 1) }},
	{"skb->ui / 7 * 7 + skb->ui % 7 == skb->ui", func(w *world) any { return int32(1) }},
	{"skb->ul / 0", func(w *world) any { return uint64(0) }},
	{"skb->ul % 0", func(w *world) any { return w.Ul }},
	{"skb->si / (skb->ub - skb->ub)", func(w *world) any { return int32(0) }},
	{"skb->si % (skb->ub - skb->ub)", func(w *world) any { return w.Si }},
	{"-skb->si", func(w *world) any { return -w.Si }},
	{"-skb->ui", func(w *world) any { return -w.Ui }},
	{"- -skb->sl", func(w *world) any { return w.Sl }},
	{"+skb->sb", func(w *world) any { return int32(w.Sb) }},
	{"~skb->ub", func(w *world) any { return ^int32(w.Ub) }},
	{"~skb->ui", func(w *world) any { return ^w.Ui }},
	{"~skb->ul & 0xff", func(w *world) any { return ^w.Ul & 0xff }},
	{"skb->mark & 0xf00 | skb->ub ^ 3", func(w *world) any { return w.Mark&0xf00 | uint32(w.Ub) ^ 3 }},
	{"skb->si & 0xffffffffff", func(w *world) any { return int64(w.Si) & 0xffffffffff }},
	// shifts
	{"skb->ui >> 5", func(w *world) any { return w.Ui >> 5 }},
	{"skb->si >> 5", func(w *world) any { return w.Si >> 5 }},
	{"skb->si >> skb->b2", func(w *world) any { return w.Si >> w.B2 }},
	{"skb->si << 5", func(w *world) any { return w.Si << 5 }},
	{"skb->ub << 24", func(w *world) any { return int32(w.Ub) << 24 }},
	{"skb->ub << skb->b3", func(w *world) any { return int32(w.Ub) << w.B3 }},
	{"1 << 4 == 16", func(w *world) any { return int32(1) }},
	{"1ul << 40", func(w *world) any { return uint64(1) << 40 }},
	{"skb->sl >> 33", func(w *world) any { return w.Sl >> 33 }},
	{"skb->ul >> 33", func(w *world) any { return w.Ul >> 33 }},
	{"skb->ss >> 3", func(w *world) any { return int32(w.Ss) >> 3 }},
	// comparisons as numbers, logical operators
	{"(skb->ub > 3) + (skb->us > 3) * 2", func(w *world) any { return is(w.Ub > 3) + is(w.Us > 3)*2 }},
	{"!skb->ub", func(w *world) any { return is(w.Ub == 0) }},
	{"!!skb->ul", func(w *world) any { return is(w.Ul != 0) }},
	{"skb->ub && skb->us || skb->ui && !skb->ul", func(w *world) any { return is(w.Ub != 0 && w.Us != 0 || w.Ui != 0 && w.Ul == 0) }},
	{"!(skb->ub && (skb->us || !skb->ui))", func(w *world) any { return is(!(w.Ub != 0 && (w.Us != 0 || w.Ui == 0))) }},
	{"(skb->ub || skb->us) && (skb->ui || skb->ul)", func(w *world) any { return is((w.Ub != 0 || w.Us != 0) && (w.Ui != 0 || w.Ul != 0)) }},
	{"1 + (skb->ub && skb->us)", func(w *world) any { return 1 + is(w.Ub != 0 && w.Us != 0) }},
	{"skb->ub < skb->us < 1", func(w *world) any { return is(int(w.Ub) >= int(w.Us)) }},
	{"skb->ub == 1 == 1", func(w *world) any { return is(w.Ub == 1) }},
	{"skb->ub & 1 == 1", func(w *world) any { return int32(w.Ub) & 1 }},
	{"true", func(w *world) any { return int32(1) }},
	{"false || 0", func(w *world) any { return int32(0) }},
	{"0 || skb->ub", func(w *world) any { return is(w.Ub != 0) }},
	{"1 && skb->ub", func(w *world) any { return is(w.Ub != 0) }},
	// constants
	{"'a' + 0", func(w *world) any { return int32('a') }},
	{"'\\n' + '\\x41' + '\\0' + '\\'' + '\\101'", func(w *world) any { return int32('\n' + 'A' + '\'' + 'A') }},
	{"010 + 0x10 + 10", func(w *world) any { return int32(34) }},
	{"skb->state == SHUT", func(w *world) any { return is(w.State == 7) }},
	{"skb->si > LOW", func(w *world) any { return is(w.Si > -3) }},
	{"ALL > 0", func(w *world) any { return int32(1) }},
	{"HUGE >> 38", func(w *world) any { return uint64(4) }},
	{"(enum state)skb->ub == OPEN", func(w *world) any { return is(w.Ub == 1) }},
	{"sizeof(u32) + sizeof skb->pairs + sizeof(skb) + sizeof(*skb)", func(w *world) any { return uint64(4 + 12 + 8 + 248) }},
	{"0xffffffff", func(w *world) any { return uint32(0xffffffff) }},
	{"0xdeadbeefcafe", func(w *world) any { return int64(0xdeadbeefcafe) }},
	// byte orders
	{"ntohs(skb->us)", func(w *world) any { return bits.ReverseBytes16(w.Us) }},
	{"htons(skb->ui)", func(w *world) any { return bits.ReverseBytes16(uint16(w.Ui)) }},
	{"bpf_ntohl(skb->ui)", func(w *world) any { return bits.ReverseBytes32(w.Ui) }},
	{"be64_to_cpu(skb->ul)", func(w *world) any { return bits.ReverseBytes64(w.Ul) }},
	{"htonl(skb->ss)", func(w *world) any { return bits.ReverseBytes32(uint32(int32(w.Ss))) }},
	{"skb->us == htons(0x0800)", func(w *world) any { return is(w.Us == 8) }},
	{"ntohs(skb->us) - 0x10000 < 0", func(w *world) any { return int32(1) }},
	// strings
	{`skb->name == "eth0"`, func(w *world) any { return is(w.Name == "eth0") }},
	{`skb->name != "eth0"`, func(w *world) any { return is(w.Name != "eth0") }},
	{`"eth0" == skb->name`, func(w *world) any { return is(w.Name == "eth0") }},
	{`skb->name == ""`, func(w *world) any { return is(w.Name == "") }},
	{`skb->name == "veth0123456789a"`, func(w *world) any { return is(w.Name == "veth0123456789a") }},
	{`skb->name == "veth0123456789ab"`, func(w *world) any { return is(w.Name == "veth0123456789ab") }},
	{`!(skb->name == "lo") && 1 + (skb->name == "eth")`, func(w *world) any { return is(w.Name != "lo") }},
	{`skb->name == "lo" || skb->name == "eth"`, func(w *world) any { return is(w.Name == "lo" || w.Name == "eth") }},
	{`skb->in->full == "full"`, within(hasIn, func(w *world) any { return is(w.Full == "full") })},
	{`skb->in->full != "ful"`, within(hasIn, func(w *world) any { return is(w.Full != "ful") })},
	{`skb->label == "hello"`, func(w *world) any { return is(w.Label == "hello") }},
	{`skb->label != "hello"`, func(w *world) any { return is(w.Label != "hello") }},
	{`skb->label == ""`, func(w *world) any { return is(w.Label == "") }},
	{`skb->label == "hello, wor\154d"`, func(w *world) any { return is(w.Label == "hello, world") }},
	{`skb->label == "a text of more than sixty-four bytes, so that no buffer of our"`, func(w *world) any { return int32(0) }},
	{`(char *)skb->in->bytes == "\x01"`, within(hasIn, func(w *world) any { return is(w.Bytes[0] == 1 && w.Bytes[1] == 0) })},
	{`(char *)8 == "x"`, func(w *world) any { return nil }},
	{"skb->label[1]", func(w *world) any { return (w.Label + "\x00\x00")[1] }},
	{"skb->name[0] == 'e'", func(w *world) any { return is(len(w.Name) > 0 && w.Name[0] == 'e') }},
	{"(skb->ub + (skb->us * (skb->ui - (skb->ul ^ (skb->us + (skb->ub - (skb->ui + skb->ub)))))))", func(w *world) any {
		return uint64(w.Ub) + uint64(w.Us)*(uint64(w.Ui)-(w.Ul^uint64(uint32(w.Us)+(uint32(w.Ub)-(w.Ui+uint32(w.Ub))))))
	}},
}

// extended extends a number of any type to 64 bits, as in a register.
func extended(v any) uint64 {
	r := reflect.ValueOf(v)
	if r.CanInt() {
		return uint64(r.Int())
	}
	return r.Uint()
}

// loaded is a sample with its loaded programs.
type loaded struct {
	sample
	condition, value *ebpf.Program
	numeric          bool
}

func (l *lab) sample(t testing.TB, types Types, s sample) loaded {
	t.Helper()
	value, err := Value(types, Skb, s.text)
	if err != nil {
		t.Fatalf("%v\n%s", err, err.(*Error).Hint())
	}
	condition, err := Condition(types, Skb, s.text)
	if err != nil {
		t.Fatalf("%v\n%s", err, err.(*Error).Hint())
	}
	return loaded{s, l.body(t, condition.Body), l.body(t, value.Body), !value.String}
}

// check compares the results of kernel and Go.
func (l *lab) check(t testing.TB, s loaded, w *world) {
	t.Helper()
	want := s.want(w)
	got, ok := l.reads(t, s.value)
	if number := binary.LittleEndian.Uint64(got); ok != (want != nil) || ok && number != extended(want) {
		t.Errorf("%s: value %#x, read %t, want %#x\n%+v", s.text, number, ok, want, w)
	}
	if matches := l.matches(t, s.condition); matches != (want != nil && extended(want) != 0) {
		t.Errorf("%s: matches %t, want %v\n%+v", s.text, matches, want, w)
	}
}

func TestKernelComputesAsC(t *testing.T) {
	l := newLab(t)
	types := newTypes()
	var all []loaded
	for _, s := range samples {
		all = append(all, l.sample(t, types, s))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		w := randomWorld(random, l.address)
		l.show(t, l.address+packetAt, w.bytes())
		for _, s := range all {
			l.check(t, s, w)
		}
		if t.Failed() {
			return
		}
	}
}
