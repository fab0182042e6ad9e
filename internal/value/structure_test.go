// SPDX-License-Identifier: Apache-2.0

package value

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// packet is a struct with members of most kinds.
var packet = structOf("packet", 56,
	btf.Member{Type: unionOf(16,
		btf.Member{Type: structOf("", 16,
			btf.Member{Name: "next", Type: &btf.Pointer{Target: list}},
			btf.Member{Name: "dev", Type: &btf.Pointer{Target: &btf.Fwd{Name: "net_device"}}, Offset: 64},
		)},
		btf.Member{Name: "list", Type: list},
	)},
	btf.Member{Name: "mark_begin", Type: arrayOf(u8, 0), Offset: 16 * 8},
	btf.Member{Name: "cloned", Type: u8, Offset: 16 * 8, BitfieldSize: 1},
	btf.Member{Name: "kind", Type: state, Offset: 16*8 + 1, BitfieldSize: 2},
	btf.Member{Name: "level", Type: s32, Offset: 16*8 + 3, BitfieldSize: 3},
	btf.Member{Name: "protocol", Type: be16, Offset: 18 * 8},
	btf.Member{Name: "users", Type: structOf("refcount_struct", 4, btf.Member{Name: "counter", Type: s32}), Offset: 20 * 8},
	btf.Member{Name: "name", Type: arrayOf(char, 8), Offset: 24 * 8},
	btf.Member{Name: "addr", Type: structOf("", 4, btf.Member{Type: unionOf(4,
		btf.Member{Name: "a8", Type: arrayOf(u8, 4)},
		btf.Member{Name: "a32", Type: arrayOf(be32, 1)},
	)}), Offset: 32 * 8},
	btf.Member{Name: "destructor", Offset: 40 * 8, Type: &btf.Pointer{Target: &btf.FuncProto{
		Return: &btf.Void{}, Params: []btf.FuncParam{{Type: &btf.Pointer{Target: list}}},
	}}},
	btf.Member{Name: "len", Type: u32, Offset: 48 * 8},
	btf.Member{Name: "tail", Type: arrayOf(u8, 0), Offset: 56 * 8},
)

const packetBytes = "\x00\x0c\xe5\x2f\x80\x88\xff\xff" + "\x00\x00\x00\x00\x00\x00\x00\x00" +
	"\x3b" + "\xff" + "\x08\x00" + "\x02\x00\x00\x00" + "eth 0\x00\x00\x00" + "\x0a\x09\x00\x01" + "\xff\xff\xff\xff" +
	"\x80\x93\xad\x81\xff\xff\xff\xff" + "\x54\x00\x00\x00" + "\xff\xff\xff\xff"

func TestStruct(t *testing.T) {
	f := format(t, packet)
	const text = `{.next=0xffff88802fe50c00,.list={.next=0xffff88802fe50c00},.cloned=1,.kind=OPEN,.level=-1,.protocol=0x0800,` +
		`.users={.counter=2},.name="eth\x200",.addr={.a8=0x0a090001,.a32={[0]=0x0a090001}},.destructor=0xffffffff81ad9380,.len=84}`
	if got := string(f.AppendText(nil, []byte(packetBytes))); got != text {
		t.Errorf("text is\n%s, want\n%s", got, text)
	}
	const json = `{"next":"0xffff88802fe50c00","dev":"0x0","list":{"next":"0xffff88802fe50c00","prev":"0x0"},` +
		`"cloned":1,"kind":"OPEN","level":-1,"protocol":2048,"users":{"counter":2},"name":"eth 0",` +
		`"addr":{"a8":"0x0a090001","a32":[168361985]},"destructor":"0xffffffff81ad9380","len":84}`
	if got := string(f.AppendJSON(nil, []byte(packetBytes))); got != json {
		t.Errorf("JSON is\n%s, want\n%s", got, json)
	}
}

func TestLines(t *testing.T) {
	const want = `  (struct packet){
    .next = (struct list_head *)0xffff88802fe50c00,
    .list = { .next = (struct list_head *)0xffff88802fe50c00 },
    .cloned = 1,
    .kind = OPEN,
    .level = -1,
    .protocol = 0x0800,
    .users = { .counter = 2 },
    .name = "eth 0",
    .addr = { .a8 = 0x0a090001, .a32 = { [0] = 0x0a090001 } },
    .destructor = (void (*)(struct list_head *))0xffffffff81ad9380,
    .len = 84,
  }`
	if got := string(format(t, packet).AppendLines(nil, []byte(packetBytes), 2)); got != want {
		t.Errorf("lines are\n%s, want\n%s", got, want)
	}
}

// TestLongPartsAreBlocks checks nested parts that are too long for one line.
func TestLongPartsAreBlocks(t *testing.T) {
	inner := structOf("", 16, btf.Member{Name: "links", Type: list})
	outer := structOf("outer", 32, btf.Member{Name: "parts", Type: arrayOf(inner, 2)})
	const want = `(struct outer){
  .parts = {
    [1] = {
      .links = {
        .next = (struct list_head *)0xffffffffffffffff,
        .prev = (struct list_head *)0xffffffffffffffff,
      },
    },
  },
}`
	raw := strings.Repeat("\x00", 16) + strings.Repeat("\xff", 16)
	if got := string(format(t, outer).AppendLines(nil, []byte(raw), 0)); got != want {
		t.Errorf("lines are\n%s, want\n%s", got, want)
	}
}

func TestLinesOfOtherTypes(t *testing.T) {
	for want, test := range map[string]struct {
		of  btf.Type
		raw string
	}{
		"84":                         {u32, "\x54\x00\x00\x00"},
		"(struct list_head){}":       {list, strings.Repeat("\x00", 16)},
		"(short unsigned int [2]){}": {arrayOf(u16, 2), "\x00\x00\x00\x00"},
		"(struct list_head *)0x0":    {&btf.Pointer{Target: list}, strings.Repeat("\x00", 8)},
	} {
		if got := string(format(t, test.of).AppendLines(nil, []byte(test.raw), 0)); got != want {
			t.Errorf("lines are %q, want %q", got, want)
		}
	}
}

// TestTruncatedStruct checks that missing bytes are marked at each level of nesting.
func TestTruncatedStruct(t *testing.T) {
	f := format(t, packet)
	raw := []byte(packetBytes)
	if got, want := string(f.AppendText(nil, raw[:35])), `,.users={.counter=2},.name="eth\x200",...}`; !strings.HasSuffix(got, want) {
		t.Errorf("text is %s, want it to end with %s", got, want)
	}
	if got, want := string(f.AppendJSON(nil, raw[:35])), `,"addr":{"a8":null,"a32":[]},"destructor":null,"len":null}`; !strings.HasSuffix(got, want) {
		t.Errorf("JSON is %s, want it to end with %s", got, want)
	}
	const want = `(struct packet){
  .next = (struct list_head *)0xffff88802fe50c00,
  .list = { .next = (struct list_head *)0xffff88802fe50c00, ... },
  ...,
}`
	if got := string(f.AppendLines(nil, raw[:12], 0)); got != want {
		t.Errorf("lines are\n%s, want\n%s", got, want)
	}
}

// TestControlBuffersAreNoText checks that a control buffer prints as octets, even if its bytes are
// printable.
func TestControlBuffersAreNoText(t *testing.T) {
	char := &btf.Int{Name: "char", Size: 1}
	f, err := New(&btf.Struct{Name: "sk_buff", Size: 8, Members: []btf.Member{
		{Name: "cb", Type: &btf.Array{Type: char, Nelems: 4}},
		{Name: "name", Type: &btf.Array{Type: char, Nelems: 4}, Offset: 32},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(f.AppendJSON(nil, []byte("b\x00\x00\x00b\x00\x00\x00"))), `{"cb":"0x62000000","name":"b"}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
