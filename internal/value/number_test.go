// SPDX-License-Identifier: Apache-2.0

package value

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// TestLoad compares bit fields with arithmetic on big integers, in both byte orders.
func TestLoad(t *testing.T) {
	random := rand.New(rand.NewPCG(9, 10))
	for bits := uint(1); bits <= 64; bits++ {
		for shift := range uint(8) {
			n := number{bytes: int(shift+bits+7) / 8, shift: shift, bits: bits}
			raw := make([]byte, n.bytes)
			for i := range raw {
				raw[i] = byte(random.Uint32())
			}
			above := uint(8*n.bytes) - shift - bits
			checkTop(t, n, "little-endian", n.topLittle(raw), whole(raw, true), shift)
			checkTop(t, n, "big-endian", n.topBig(raw), whole(raw, false), above)
		}
	}
}

// checkTop checks that the most significant bits of got are the bits of whole that begin at from.
func checkTop(t *testing.T, n number, order string, got uint64, whole *big.Int, from uint) {
	t.Helper()
	limit := new(big.Int).Lsh(big.NewInt(1), n.bits)
	want := new(big.Int).Mod(new(big.Int).Rsh(whole, from), limit).Uint64()
	if got := got >> (64 - n.bits); got != want {
		t.Errorf("%+v, %s: %#x, want %#x", n, order, got, want)
	}
}

// whole decodes any number of bytes as one number.
func whole(raw []byte, lowestFirst bool) *big.Int {
	n := new(big.Int)
	for i := range raw {
		b := raw[i]
		if lowestFirst {
			b = raw[len(raw)-1-i]
		}
		n.Or(n.Lsh(n, 8), big.NewInt(int64(b)))
	}
	return n
}

func TestSign(t *testing.T) {
	raw := []byte{0xff}
	for n, want := range map[number]string{
		{bytes: 1, bits: 8, signed: true}: "-1", {bytes: 1, bits: 8}: "255",
		{bytes: 1, bits: 3, shift: 2, signed: true}: "-1", {bytes: 1, bits: 3, shift: 2}: "7",
	} {
		if got := string(n.appendDecimal(nil, n.load(raw))); got != want {
			t.Errorf("%+v of %x is %s, want %s", n, raw, got, want)
		}
	}
}

// span is the range of bits of a named member.
type span struct {
	name     string
	from, to btf.Bits
	bitfield bool
}

func (s span) overlaps(o span) bool { return s.from < o.to && o.from < s.to }

// spans returns the numbers of a struct, with those of its anonymous structs and unions. It shares no
// code with the package.
func spans(members []btf.Member, base btf.Bits) []span {
	var found []span
	for _, m := range members {
		from := base + m.Offset
		switch u := btf.UnderlyingType(m.Type).(type) {
		case *btf.Struct:
			if m.Name == "" {
				found = append(found, spans(u.Members, from)...)
			}
		case *btf.Union:
			if m.Name == "" {
				found = append(found, spans(u.Members, from)...)
			}
		case *btf.Int, *btf.Enum:
			size, _ := btf.Sizeof(u)
			to := from + btf.Bits(size)*8
			if m.BitfieldSize > 0 {
				to = from + m.BitfieldSize
			}
			found = append(found, span{m.Name, from, to, m.BitfieldSize > 0})
		}
	}
	return found
}

// TestEachBitFieldAlone sets all bits of one bit field, and checks the values of all members.
func TestEachBitFieldAlone(t *testing.T) {
	skb := structOfKernel(t, ownTypes(t), "sk_buff")
	f, all, tried := format(t, skb), spans(skb.Members, 0), 0
	for _, set := range all {
		if !set.bitfield {
			continue
		}
		tried++
		raw := make([]byte, f.Size())
		for bit := set.from; bit < set.to; bit++ {
			raw[bit/8] |= 1 << (bit % 8)
		}
		shown := members(t, f, raw)
		for _, s := range all {
			want := "0"
			if s == set {
				want = fmt.Sprint(1<<(set.to-set.from) - 1)
			}
			if got := string(shown[s.name]); got != want && (s == set || !s.overlaps(set)) {
				t.Errorf("with %s set, %s is %q, want %s", set.name, s.name, got, want)
			}
		}
	}
	if tried < 20 {
		t.Errorf("sk_buff has %d bit fields, want at least 20", tried)
	}
}

func members(t *testing.T, f *Format, raw []byte) map[string]json.RawMessage {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(f.AppendJSON(nil, raw), &m); err != nil {
		t.Fatal(err)
	}
	return m
}
