// SPDX-License-Identifier: Apache-2.0

package value

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/rlimit"

	"tracer/internal/ktest"
)

// The kernel prints the same bytes with bpf_snprintf_btf (5.10). Each number in our output must be among the
// numbers that the kernel prints for members of the same name.

const (
	mostText   = 1 << 17
	compact    = 1 // BTF_F_COMPACT
	rawAddress = 4 // BTF_F_PTR_RAW
	withZeros  = 8 // BTF_F_ZERO
)

func TestKernelPrintsTheSame(t *testing.T) {
	ktest.Root(t)
	spec := ownTypes(t)
	random := rand.New(rand.NewPCG(11, 12))
	for _, name := range []string{"sk_buff", "skb_shared_info", "sock", "net_device"} {
		t.Run(name, func(t *testing.T) {
			s := structOfKernel(t, spec, name)
			o := newOracle(t, spec, s)
			for range 5 {
				raw := randomBytes(random, int(s.Size))
				o.compare(t, format(t, s), raw)
			}
		})
	}
}

// oracle is a program that calls bpf_snprintf_btf for an object in a map.
type oracle struct {
	object, text *ebpf.Map
	program      *ebpf.Program
}

func newOracle(t *testing.T, spec *btf.Spec, s *btf.Struct) *oracle {
	t.Helper()
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
	id, err := spec.TypeID(s)
	if err != nil {
		t.Fatal(err)
	}
	o := &oracle{object: ktest.OneValue(t, s.Size), text: ktest.OneValue(t, mostText)}
	o.program, err = ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SocketFilter, License: "Dual BSD/GPL", Instructions: o.instructions(id),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.program.Close() })
	return o
}

// instructions fill a struct btf_ptr on the stack and call the helper.
func (o *oracle) instructions(id btf.TypeID) asm.Instructions {
	return asm.Instructions{
		asm.LoadMapValue(asm.R1, o.object.FD(), 0),
		asm.StoreMem(asm.RFP, -16, asm.R1, asm.DWord),
		asm.StoreImm(asm.RFP, -8, int64(id), asm.Word),
		asm.StoreImm(asm.RFP, -4, 0, asm.Word),
		asm.LoadMapValue(asm.R1, o.text.FD(), 0),
		asm.Mov.Imm(asm.R2, mostText),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, -16),
		asm.Mov.Imm(asm.R4, 16),
		asm.Mov.Imm(asm.R5, compact|rawAddress|withZeros),
		asm.FnSnprintfBtf.Call(),
		asm.Return(),
	}
}

func (o *oracle) print(t *testing.T, raw []byte) string {
	t.Helper()
	text := make([]byte, mostText)
	if err := o.object.Put(uint32(0), raw); err != nil {
		t.Fatal(err)
	}
	length, err := o.program.Run(&ebpf.RunOptions{Data: make([]byte, 14)})
	if err != nil {
		t.Fatal(err)
	}
	if int32(length) <= 0 || length >= mostText {
		t.Fatalf("the kernel printed %d bytes", int32(length))
	}
	if err := o.text.Lookup(uint32(0), &text); err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimRight(text[:length], "\x00"))
}

func (o *oracle) compare(t *testing.T, f *Format, raw []byte) {
	t.Helper()
	kernel := numbersIn(o.print(t, raw))
	d := json.NewDecoder(bytes.NewReader(f.AppendJSON(nil, raw)))
	d.UseNumber()
	var ours map[string]any
	if err := d.Decode(&ours); err != nil {
		t.Fatal(err)
	}
	if compared := compareObject(t, ours, kernel); compared < len(f.value.(*structure).members)/2 {
		t.Errorf("%d numbers were compared", compared)
	}
}

// compareObject compares the numbers of a JSON object, and returns how many these were.
func compareObject(t *testing.T, ours map[string]any, kernel map[string]map[uint64]bool) int {
	t.Helper()
	compared := 0
	for name, v := range ours {
		switch v := v.(type) {
		case map[string]any:
			compared += compareObject(t, v, kernel)
		case json.Number, string:
			n, ok := parseNumber(fmt.Sprint(v))
			if !ok || kernel[name] == nil {
				continue
			}
			compared++
			if !kernel[name][n] && !kernel[name][turned(n, 16)] && !kernel[name][turned(n, 32)] {
				t.Errorf("%s is %v, and %v for the kernel", name, v, kernel[name])
			}
		}
	}
	return compared
}

// turned returns n in the other byte order: the kernel prints __be16 and __be32 in host byte order.
func turned(n uint64, bits int) uint64 {
	var out uint64
	for range bits / 8 {
		out, n = out<<8|n&0xff, n>>8
	}
	return out
}

// assignment matches a member and a number, with an optional type in brackets.
var assignment = regexp.MustCompile(`\.(\w+) = (\([^={]*\))?(-?\w+)[,}]`)

// numbersIn returns the numbers in the kernel's text by the name of their member.
func numbersIn(text string) map[string]map[uint64]bool {
	numbers := map[string]map[uint64]bool{}
	for _, m := range assignment.FindAllStringSubmatch(text, -1) {
		n, ok := parseNumber(m[3])
		if !ok {
			continue
		}
		if numbers[m[1]] == nil {
			numbers[m[1]] = map[uint64]bool{}
		}
		numbers[m[1]][n] = true
	}
	return numbers
}

func parseNumber(s string) (uint64, bool) {
	switch s {
	case "true":
		return 1, true
	case "false":
		return 0, true
	}
	if strings.HasPrefix(s, "-") {
		n, err := strconv.ParseInt(s, 10, 64)
		return uint64(n), err == nil
	}
	n, err := strconv.ParseUint(s, 0, 64)
	return n, err == nil
}
