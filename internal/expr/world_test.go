// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"encoding/binary"
	"iter"
	"math/rand/v2"

	"github.com/cilium/ebpf/btf"
)

// fakeTypes are the types of an invented kernel, so that the tests do not depend on the running one.
type fakeTypes map[string][]btf.Type

func (f fakeTypes) AnyTypesByName(name string) ([]btf.Type, error) {
	if found := f[name]; found != nil {
		return found, nil
	}
	return nil, btf.ErrNotFound
}

func (f fakeTypes) All() iter.Seq2[btf.Type, error] {
	return func(yield func(btf.Type, error) bool) {
		for _, types := range f {
			for _, t := range types {
				if !yield(t, nil) {
					return
				}
			}
		}
	}
}

func (f fakeTypes) add(types ...btf.Type) {
	for _, t := range types {
		f[t.TypeName()] = append(f[t.TypeName()], t)
	}
}

func field(name string, offset uint32, t btf.Type) btf.Member {
	return btf.Member{Name: name, Offset: btf.Bits(8 * offset), Type: t}
}

func bitfield(name string, offset, bit, width uint32, t btf.Type) btf.Member {
	return btf.Member{Name: name, Offset: btf.Bits(8*offset + bit), Type: t, BitfieldSize: btf.Bits(width)}
}

// Offsets in the world.
const (
	packetAt = 256
	innerAt  = 1024
	secondAt = 1280
	labelAt  = 2048
)

// newTypes returns the types of a small kernel, whose sk_buff has every kind of member.
func newTypes() fakeTypes {
	types := fakeTypes{}
	char := &btf.Int{Name: "char", Size: 1}
	u8 := &btf.Typedef{Name: "u8", Type: &btf.Int{Name: "unsigned char", Size: 1}}
	s8 := &btf.Typedef{Name: "s8", Type: &btf.Int{Name: "signed char", Size: 1, Encoding: btf.Signed}}
	u16 := &btf.Typedef{Name: "u16", Type: unsignedShort}
	s16 := &btf.Typedef{Name: "s16", Type: shortType}
	u32 := &btf.Typedef{Name: "u32", Type: unsignedInt}
	s32 := &btf.Typedef{Name: "s32", Type: intType}
	u64 := &btf.Typedef{Name: "u64", Type: unsignedLong}
	s64 := &btf.Typedef{Name: "s64", Type: longType}
	be16 := &btf.Typedef{Name: "__be16", Type: u16}
	be32 := &btf.Typedef{Name: "ipv4_address", Type: &btf.Typedef{Name: "__be32", Type: u32}}
	state := &btf.Enum{Name: "state", Size: 4, Values: []btf.EnumValue{{Name: "OPEN", Value: 1}, {Name: "SHUT", Value: 7}}}
	level := &btf.Enum{Name: "level", Size: 4, Signed: true, Values: []btf.EnumValue{{Name: "LOW", Value: ^uint64(2)}}}
	huge := &btf.Enum{Name: "huge", Size: 8, Values: []btf.EnumValue{{Name: "HUGE", Value: 1 << 40}, {Name: "ALL", Value: ^uint64(0)}}}
	pair := &btf.Struct{Name: "pair", Size: 4, Members: []btf.Member{field("a", 0, s16), field("b", 2, u8)}}
	inner := &btf.Struct{Name: "inner", Size: 64}
	packet := &btf.Struct{Name: "sk_buff", Size: 248}
	halves := &btf.Struct{Size: 4, Members: []btf.Member{field("low", 0, u16), field("high", 2, s16)}}
	either := &btf.Union{Size: 4, Members: []btf.Member{field("mark", 0, u32), field("", 0, halves)}}
	inner.Members = []btf.Member{
		field("x", 0, s32), field("next", 8, &btf.Pointer{Target: inner}), field("back", 16, &btf.Pointer{Target: packet}),
		field("pairs", 24, &btf.Pointer{Target: &btf.Const{Type: pair}}), field("bytes", 32, &btf.Array{Type: u8, Nelems: 5}),
		field("full", 37, &btf.Array{Type: char, Nelems: 4}),
	}
	packet.Members = []btf.Member{
		field("ub", 0, u8), field("sb", 1, s8), field("us", 2, u16), field("ss", 4, s16), field("ui", 8, u32), field("si", 12, s32),
		field("ul", 16, u64), field("sl", 24, &btf.Volatile{Type: s64}), field("in", 32, &btf.Pointer{Target: inner}),
		field("name", 40, &btf.Array{Type: char, Nelems: 16}), field("label", 56, &btf.Pointer{Target: &btf.Const{Type: char}}),
		bitfield("b1", 64, 0, 1, u8), bitfield("b2", 64, 1, 3, u8), bitfield("b3", 64, 4, 4, u8),
		bitfield("c1", 68, 0, 5, s32), bitfield("c2", 68, 5, 11, s32), bitfield("c3", 68, 16, 16, u32),
		bitfield("d1", 72, 0, 40, u64), bitfield("d2", 72, 40, 24, s64),
		field("state", 84, state), field("", 88, either), field("arr", 92, &btf.Array{Type: u32, Nelems: 4}),
		field("flag", 108, boolean), field("cb", 112, &btf.Array{Type: char, Nelems: 48}),
		field("pairs", 160, &btf.Array{Type: pair, Nelems: 3}), field("raw", 176, &btf.Pointer{Target: &btf.Void{}}),
		field("other", 184, &btf.Pointer{Target: &btf.Fwd{Name: "elsewhere"}}),
		field("unknown", 192, &btf.Pointer{Target: &btf.Fwd{Name: "nowhere"}}),
		field("run", 200, &btf.Pointer{Target: &btf.FuncProto{Return: intType}}),
		field("grid", 208, &btf.Array{Type: &btf.Array{Type: u8, Nelems: 3}, Nelems: 2}),
		field("big", 216, &btf.Array{Type: u64, Nelems: 40}),
		field("wide", 216, &btf.Int{Name: "__int128", Size: 16}),
		bitfield("e1", 232, 0, 32, u32),
		field("wire16", 2, be16), field("wire32", 8, &btf.Const{Type: be32}),
		field("common", 216, &btf.Struct{Name: "common", Size: 8, Members: []btf.Member{field("", 0, &btf.Union{Size: 4, Members: []btf.Member{
			field("skc_num", 0, u16), field("skc_state", 0, u8),
		}})}}),
		field("tail", 240, &btf.Array{Type: u8, Nelems: 0}),
		field("last", 240, &btf.Array{Type: u8, Nelems: 1}),
	}
	elsewhere := &btf.Struct{Name: "elsewhere", Size: 8, Members: []btf.Member{field("x", 0, s32)}}
	types.add(char, u8, s8, u16, s16, u32, s32, u64, s64, state, level, huge, pair, inner, packet, elsewhere)
	return types
}

// world is the content of the memory that expressions read, as Go values.
type world struct {
	Ub             uint8
	Sb             int8
	Us             uint16
	Ss             int16
	Ui             uint32
	Si             int32
	Ul             uint64
	Sl             int64
	Name           string
	Label          string
	B1, B2, B3     uint8
	C1, C2         int32
	C3             uint32
	D1             uint64
	D2             int64
	State          uint32
	Mark           uint32
	Arr            [4]uint32
	Flag           bool
	A, B           [3]int32 // of pairs
	Grid           [2][3]uint8
	E1             uint32
	X, X2          int32 // of the first and the second inner
	Bytes          [5]uint8
	Full           string
	Address        uint64 // of the world
	HasIn, HasNext bool
}

var (
	names  = []string{"eth0", "", "eth01", "eth", "veth0123456789a", "veth0123456789ab", "lo"}
	labels = []string{"hello", "", "hello, world", "a text of more than sixty-four bytes, so that no buffer of ours can hold it all at once"}
)

// randomWorld returns random contents, with more edge cases than uniform numbers have.
func randomWorld(random *rand.Rand, address uint64) *world {
	n := func() uint64 { return randomNumber(random) }
	w := &world{
		Ub: uint8(n()), Sb: int8(n()), Us: uint16(n()), Ss: int16(n()), Ui: uint32(n()), Si: int32(n()), Ul: n(), Sl: int64(n()),
		Name: names[random.IntN(len(names))], Label: labels[random.IntN(len(labels))],
		B1: uint8(n()) & 1, B2: uint8(n()) & 7, B3: uint8(n()) & 15,
		C1: int32(n()) << 27 >> 27, C2: int32(n()) << 21 >> 21, C3: uint32(n()) & 0xffff,
		D1: n() & (1<<40 - 1), D2: int64(n()) << 40 >> 40,
		State: uint32(random.IntN(8)), Mark: uint32(n()), Flag: random.IntN(2) == 1, E1: uint32(n()),
		X: int32(n()), X2: int32(n()), Full: []string{"full", "ful", "f"}[random.IntN(3)],
		Address: address, HasIn: random.IntN(8) > 0, HasNext: random.IntN(8) > 0,
	}
	for i := range 4 {
		w.Arr[i] = uint32(n())
	}
	for i := range 3 {
		w.A[i], w.B[i] = int32(int16(n())), int32(uint8(n()))
		w.Grid[0][i], w.Grid[1][i] = uint8(n()), uint8(n())
	}
	for i := range w.Bytes {
		w.Bytes[i] = uint8(n())
	}
	return w
}

func randomNumber(random *rand.Rand) uint64 {
	switch random.IntN(4) {
	case 0:
		return uint64(random.IntN(4))
	case 1:
		return -uint64(random.IntN(4))
	case 2:
		return 1 << random.IntN(64)
	}
	return random.Uint64()
}

// bytes returns the world as in memory. It repeats the offsets of newTypes.
func (w *world) bytes() []byte {
	b := make([]byte, worldSize)
	for i := range b {
		b[i] = 0xcc
	}
	little := binary.LittleEndian
	p := b[packetAt:]
	p[0], p[1] = w.Ub, uint8(w.Sb)
	little.PutUint16(p[2:], w.Us)
	little.PutUint16(p[4:], uint16(w.Ss))
	little.PutUint32(p[8:], w.Ui)
	little.PutUint32(p[12:], uint32(w.Si))
	little.PutUint64(p[16:], w.Ul)
	little.PutUint64(p[24:], uint64(w.Sl))
	little.PutUint64(p[32:], w.pointer(w.HasIn, innerAt))
	putString(p[40:56], w.Name)
	little.PutUint64(p[56:], w.Address+labelAt)
	p[64] = w.B1 | w.B2<<1 | w.B3<<4
	little.PutUint32(p[68:], uint32(w.C1)&31|uint32(w.C2)&0x7ff<<5|w.C3<<16)
	little.PutUint64(p[72:], w.D1|uint64(w.D2)<<40)
	little.PutUint32(p[84:], w.State)
	little.PutUint32(p[88:], w.Mark)
	for i, v := range w.Arr {
		little.PutUint32(p[92+4*i:], v)
	}
	p[108] = 0
	if w.Flag {
		p[108] = 1
	}
	for i := range 48 {
		p[112+i] = byte(i)
	}
	for i := range 3 {
		little.PutUint16(p[160+4*i:], uint16(w.A[i]))
		p[162+4*i] = uint8(w.B[i])
		p[208+i], p[211+i] = w.Grid[0][i], w.Grid[1][i]
	}
	little.PutUint64(p[176:], w.Address+innerAt)
	little.PutUint64(p[184:], w.Address+secondAt)
	little.PutUint64(p[200:], 0xffffffff81000000)
	little.PutUint32(p[232:], w.E1)
	w.putInner(b[innerAt:], w.X, w.pointer(w.HasNext, secondAt))
	w.putInner(b[secondAt:], w.X2, 0)
	putString(b[labelAt:], w.Label+"\x00") // two NULs, so that skb->label + 1 also ends if the label is empty
	return b
}

func (w *world) pointer(there bool, at uint64) uint64 {
	if !there {
		return 0
	}
	return w.Address + at
}

func (w *world) putInner(b []byte, x int32, next uint64) {
	binary.LittleEndian.PutUint32(b, uint32(x))
	binary.LittleEndian.PutUint64(b[8:], next)
	binary.LittleEndian.PutUint64(b[16:], w.Address+packetAt)
	binary.LittleEndian.PutUint64(b[24:], w.Address+packetAt+160)
	copy(b[32:], w.Bytes[:])
	putString(b[37:41], w.Full)
}

// putString writes a string, with a NUL if it fits.
func putString(b []byte, s string) {
	if n := copy(b, s); n < len(b) {
		b[n] = 0
	}
}
