// SPDX-License-Identifier: Apache-2.0

package value

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// Types for the tests.
var (
	u8       = &btf.Int{Name: "unsigned char", Size: 1}
	char     = &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}
	u16      = &btf.Int{Name: "short unsigned int", Size: 2}
	s32      = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	u32      = &btf.Int{Name: "unsigned int", Size: 4}
	u64      = &btf.Int{Name: "long unsigned int", Size: 8}
	s64      = &btf.Int{Name: "long int", Size: 8, Encoding: btf.Signed}
	u128     = &btf.Int{Name: "unsigned __int128", Size: 16}
	boolType = &btf.Int{Name: "_Bool", Size: 1, Encoding: btf.Bool}
	double   = &btf.Float{Name: "double", Size: 8}
	be16     = &btf.Typedef{Name: "__be16", Type: &btf.Typedef{Name: "__u16", Type: u16}}
	be32     = &btf.Typedef{Name: "__be32", Type: u32}
	be64     = &btf.Typedef{Name: "__be64", Type: u64}
	state    = &btf.Enum{Name: "state", Size: 4, Values: []btf.EnumValue{
		{Name: "CLOSED", Value: 0}, {Name: "OPEN", Value: 1}, {Name: "MAX", Value: 1},
	}}
	verdict = &btf.Enum{Name: "verdict", Size: 4, Signed: true, Values: []btf.EnumValue{
		{Name: "BAD", Value: ^uint64(0)},
	}}
	list = &btf.Struct{Name: "list_head", Size: 16}
)

func init() {
	list.Members = []btf.Member{
		{Name: "next", Type: &btf.Pointer{Target: list}},
		{Name: "prev", Type: &btf.Pointer{Target: list}, Offset: 64},
	}
}

func arrayOf(t btf.Type, n uint32) btf.Type { return &btf.Array{Index: u32, Type: t, Nelems: n} }

// structOf returns a struct; its members must have their offsets.
func structOf(name string, size uint32, members ...btf.Member) *btf.Struct {
	return &btf.Struct{Name: name, Size: size, Members: members}
}

func unionOf(size uint32, members ...btf.Member) *btf.Union {
	return &btf.Union{Size: size, Members: members}
}

func format(t testing.TB, of btf.Type) *Format {
	t.Helper()
	f, err := New(of)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestOneValue(t *testing.T) {
	for name, test := range map[string]struct {
		of         btf.Type
		raw        string
		text, json string
	}{
		"u8":                {u8, "\xff", `255`, `255`},
		"signed":            {s32, "\xfe\xff\xff\xff", `-2`, `-2`},
		"u64":               {u64, "\x00\x00\x00\x00\x00\x00\x20\x00", `9007199254740992`, `9007199254740992`},
		"greatest":          {u64, "\xff\xff\xff\xff\xff\xff\xff\x7f", `9223372036854775807`, `9223372036854775807`},
		"s64":               {s64, "\xff\xff\xff\xff\xff\xff\xff\xff", `-1`, `-1`},
		"word with address": {u64, "\x01\x0c\xe5\x2f\x80\x88\xff\xff", `0xffff88802fe50c01`, `18446612682873572353`},
		"u128":              {u128, "\x01" + strings.Repeat("\x00", 15), `0x01000000000000000000000000000000`, `"0x01000000000000000000000000000000"`},
		"float":             {double, "\x00\x00\x00\x00\x00\x00\xf8\x7f", `0x000000000000f87f`, `"0x000000000000f87f"`},
		"true":              {boolType, "\x01", `true`, `true`},
		"false":             {boolType, "\x00", `false`, `false`},
		"broken bool":       {boolType, "\x40", `true`, `true`},
		"enum":              {state, "\x01\x00\x00\x00", `OPEN`, `"OPEN"`},
		"enum zero":         {state, "\x00\x00\x00\x00", `CLOSED`, `"CLOSED"`},
		"nameless enum":     {state, "\x07\x00\x00\x00", `7`, `7`},
		"signed enum":       {verdict, "\xff\xff\xff\xff", `BAD`, `"BAD"`},
		"signed nameless":   {verdict, "\xfe\xff\xff\xff", `-2`, `-2`},
		"be16":              {be16, "\x08\x00", `0x0800`, `2048`},
		"const be16":        {&btf.Const{Type: be16}, "\x08\x00", `0x0800`, `2048`},
		"be32":              {be32, "\x0a\x09\x00\x01", `0x0a090001`, `168361985`},
		"be64":              {be64, "\x00\x00\x00\x00\x00\x00\x00\x05", `0x0000000000000005`, `5`},
		"typedef":           {&btf.Typedef{Name: "u16", Type: &btf.Volatile{Type: u16}}, "\x34\x12", `4660`, `4660`},
		"null pointer":      {&btf.Pointer{Target: list}, "\x00\x00\x00\x00\x00\x00\x00\x00", `0x0`, `"0x0"`},
		"pointer":           {&btf.Pointer{Target: list}, "\x00\x0c\xe5\x2f\x80\x88\xff\xff", `0xffff88802fe50c00`, `"0xffff88802fe50c00"`},
		"bytes":             {arrayOf(u8, 3), "\x00\x01\xfe", `0x0001fe`, `"0x0001fe"`},
		"numbers":           {arrayOf(u16, 3), "\x00\x00\x01\x00\x00\x00", `{[1]=1}`, `[0,1,0]`},
		"bools":             {arrayOf(boolType, 2), "\x00\x01", `{[1]=true}`, `[false,true]`},
		"arrays":            {arrayOf(arrayOf(u16, 2), 2), "\x00\x00\x00\x00\x01\x00\x02\x00", `{[1]={[0]=1,[1]=2}}`, `[[0,0],[1,2]]`},
		"no elements":       {arrayOf(u16, 0), "", `{}`, `[]`},
		"chars":             {arrayOf(char, 8), "eth0\x00\x00\x00\x00", `"eth0"`, `"eth0"`},
		"full chars":        {arrayOf(char, 4), "eth0", `"eth0"`, `"eth0"`},
		"no chars":          {arrayOf(char, 4), "\x00\x00\x00\x00", `""`, `""`},
		"rest of a name":    {arrayOf(char, 8), "lo\x000\x00\x00\x00\x00", `"lo"`, `"lo"`},
		"binary chars":      {arrayOf(char, 4), "\x00a\x00\x00", `0x00610000`, `"0x00610000"`},
		"binary tail":       {arrayOf(char, 4), "a\x00\x01\x00", `0x61000100`, `"0x61000100"`},
		"text like bytes":   {arrayOf(char, 4), "0x61", `0x30783631`, `"0x30783631"`},
		"chars in UTF-8":    {arrayOf(char, 6), "gr\xc3\xbcn\x00", `"grün"`, `"grün"`},
		"blanks and quotes": {arrayOf(char, 6), `a "b\c`, `"a\x20\"b\\c"`, `"a \"b\\c"`},
		"struct":            {list, "\x01" + strings.Repeat("\x00", 15), `{.next=0x1}`, `{"next":"0x1","prev":"0x0"}`},
		"zero struct":       {list, strings.Repeat("\x00", 16), `{}`, `{"next":"0x0","prev":"0x0"}`},
		"too long":          {u8, "\x01\x02\x03", `1`, `1`},
		"missing number":    {u32, "\x01\x02\x03", `...`, `null`},
		"missing struct":    {list, "", `...`, `null`},
		"cut struct":        {list, "\x01\x00\x00\x00\x00\x00\x00\x00\x02", `{.next=0x1,...}`, `{"next":"0x1","prev":null}`},
		"cut array":         {arrayOf(u16, 3), "\x01\x00\x02", `{[0]=1}`, `[1]`},
	} {
		t.Run(name, func(t *testing.T) {
			f := format(t, test.of)
			if got := string(f.AppendText(nil, []byte(test.raw))); got != test.text {
				t.Errorf("text is %s, want %s", got, test.text)
			}
			if got := string(f.AppendJSON(nil, []byte(test.raw))); got != test.json {
				t.Errorf("JSON is %s, want %s", got, test.json)
			}
		})
	}
}

// TestNewValue checks values of expressions: numbers are extended to 8 bytes.
func TestNewValue(t *testing.T) {
	name := "eth0" + strings.Repeat("\x00", 60)
	for title, test := range map[string]struct {
		of         btf.Type
		isString   bool
		raw        string
		text, json string
		size       int
	}{
		"u8":                 {u8, false, "\xff\x00\x00\x00\x00\x00\x00\x00", `255`, `255`, 1},
		"negative":           {s32, false, "\xff\xff\xff\xff\xff\xff\xff\xff", `-1`, `-1`, 4},
		"wire order":         {be16, false, "\x08\x00\x00\x00\x00\x00\x00\x00", `0x0800`, `2048`, 2},
		"enum":               {verdict, false, "\xff\xff\xff\xff\xff\xff\xff\xff", `BAD`, `"BAD"`, 4},
		"struct":             {list, false, name[4:20], `{}`, `{"next":"0x0","prev":"0x0"}`, 16},
		"name":               {arrayOf(char, 16), true, name, `eth0`, `"eth0"`, 0},
		"pointed to":         {&btf.Pointer{Target: char}, true, name, `eth0`, `"eth0"`, 0},
		"no NUL":             {arrayOf(char, 16), true, name[:4], `eth0`, `"eth0"`, 0},
		"empty":              {arrayOf(char, 16), true, name[4:], `""`, `""`, 0},
		"dangerous":          {arrayOf(char, 16), true, "a b\n\x1b\xff\x00c", `a\x20b\x0a\x1b\xff`, `"a b\u000a\u001b` + "\ufffd" + `"`, 0},
		"bidirectional mark": {arrayOf(char, 16), true, "\u202e", `\xe2\x80\xae`, `"\u202e"`, 0},
	} {
		t.Run(title, func(t *testing.T) {
			f, err := NewValue(test.of, test.isString)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(f.AppendText(nil, []byte(test.raw))); got != test.text {
				t.Errorf("text is %s, want %s", got, test.text)
			}
			if got := string(f.AppendJSON(nil, []byte(test.raw))); got != test.json {
				t.Errorf("JSON is %s, want %s", got, test.json)
			}
			if f.Size() != test.size {
				t.Errorf("size is %d, want %d", f.Size(), test.size)
			}
		})
	}
}

func TestTypesWithoutValues(t *testing.T) {
	deep := structOf("deep", 8)
	deep.Members = []btf.Member{{Name: "self", Type: deep}}
	for want, of := range map[string]btf.Type{
		`type "void" can't be printed`:                  &btf.Void{},
		`type "struct hidden" can't be`:                 &btf.Fwd{Name: "hidden"},
		`type "void (int)" can't be printed`:            &btf.FuncProto{Return: &btf.Void{}, Params: []btf.FuncParam{{Type: s32}}},
		`member "it": "union hidden" has no`:            structOf("a", 8, btf.Member{Name: "it", Type: &btf.Fwd{Name: "hidden", Kind: btf.FwdUnion}}),
		`member "self": types are nested too`:           deep,
		`member "it": unsupported bit field of 65 bits`: structOf("a", 16, btf.Member{Name: "it", Type: u64, BitfieldSize: 65}),
		`unsupported bit field of type "struct list_he`: structOf("a", 16, btf.Member{Name: "it", Type: list, BitfieldSize: 5}),
	} {
		if _, err := New(of); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
}
