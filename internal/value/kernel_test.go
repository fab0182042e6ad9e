// SPDX-License-Identifier: Apache-2.0

package value

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/cilium/ebpf/btf"
)

// bigStructs are structs of the kernel with unusual members.
var bigStructs = []string{"sk_buff", "skb_shared_info", "sock", "tcp_sock", "net_device", "net", "task_struct", "nf_conn"}

// ownTypes returns the BTF of the running kernel.
func ownTypes(t testing.TB) *btf.Spec {
	t.Helper()
	if _, err := os.Stat("/sys/kernel/btf/vmlinux"); errors.Is(err, os.ErrNotExist) {
		t.Skip("the kernel has no BTF")
	}
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// structOfKernel returns a struct of the kernel. It skips the test if the kernel was built without
// connection tracking and so has no nf_conn.
func structOfKernel(t testing.TB, spec *btf.Spec, name string) *btf.Struct {
	t.Helper()
	var s *btf.Struct
	err := spec.TypeByName(name, &s)
	if name == "nf_conn" && errors.Is(err, btf.ErrNotFound) {
		t.Skip("the kernel has no connection tracking")
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRandomBytesOfTheKernel(t *testing.T) {
	spec := ownTypes(t)
	for _, name := range bigStructs {
		t.Run(name, func(t *testing.T) {
			f := format(t, structOfKernel(t, spec, name))
			random := rand.New(rand.NewPCG(1, 2))
			for range 50 {
				raw := randomBytes(random, f.Size())
				checkAll(t, f, raw)
				checkAll(t, f, raw[:random.IntN(len(raw))])
			}
		})
	}
}

// TestEveryTypeOfTheKernel prints random bytes as every struct, union, enum, array and pointer of the kernel.
func TestEveryTypeOfTheKernel(t *testing.T) {
	spec := ownTypes(t)
	random := rand.New(rand.NewPCG(3, 4))
	for of, err := range spec.All() {
		if err != nil {
			t.Fatal(err)
		}
		switch of.(type) {
		case *btf.Struct, *btf.Union, *btf.Enum, *btf.Array, *btf.Pointer:
			if size, err := btf.Sizeof(of); err == nil && size < 4096 {
				checkAll(t, format(t, of), randomBytes(random, size))
			}
		}
		if t.Failed() {
			return
		}
	}
}

// randomBytes returns random bytes with runs of zeros, as in real objects.
func randomBytes(random *rand.Rand, n int) []byte {
	raw := make([]byte, n)
	for i := 0; i < n; i++ {
		if random.IntN(4) == 0 {
			i += random.IntN(16)
			continue
		}
		raw[i] = byte(random.Uint32())
	}
	return raw
}

// checkAll prints raw in every form and checks the properties that any output has.
func checkAll(t *testing.T, f *Format, raw []byte) {
	t.Helper()
	if err := checkJSON(f.AppendJSON(nil, raw)); err != nil {
		t.Errorf("JSON of %x: %v", raw, err)
	}
	word := string(f.AppendText(nil, raw))
	if word == "" || !utf8.ValidString(word) || strings.ContainsFunc(word, breaksWord) {
		t.Errorf("text of %x is no word: %q", raw, word)
	}
	lines := string(f.AppendLines(nil, raw, 4))
	for line := range strings.Lines(lines) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "    ") || strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("lines of %x have %q", raw, line)
		}
	}
	if strings.Count(lines, "{") != strings.Count(lines, "}") && !strings.Contains(lines, `"`) {
		t.Errorf("braces of %x are not closed: %s", raw, lines)
	}
}

func breaksWord(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }

// checkJSON checks that b is one value. Unlike json.Valid, it rejects duplicate keys of an object.
func checkJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := readValue(d); err != nil {
		return fmt.Errorf("%w in %s", err, b)
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("more than one value in %s", b)
	}
	return nil
}

func readValue(d *json.Decoder) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		return readObject(d)
	case json.Delim('['):
		return readArray(d)
	}
	return nil
}

func readArray(d *json.Decoder) error {
	for d.More() {
		if err := readValue(d); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func readObject(d *json.Decoder) error {
	seen := map[json.Token]bool{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		if seen[key] {
			return fmt.Errorf("key %q twice", key)
		}
		seen[key] = true
		if err := readValue(d); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func TestCheckJSONFinds(t *testing.T) {
	for _, bad := range []string{``, `{`, `{"a":1,"a":2}`, `[{"a":{"b":1,"b":1}}]`, `1 2`, `{"a":"` + "\n" + `"}`} {
		if checkJSON([]byte(bad)) == nil {
			t.Errorf("nothing is wrong with %s", bad)
		}
	}
}

// FuzzFormat prints arbitrary bytes as several types.
func FuzzFormat(f *testing.F) {
	spec := ownTypes(f)
	formats := []*Format{format(f, packet), format(f, arrayOf(char, 16))}
	for _, name := range []string{"sk_buff", "skb_shared_info", "sock", "net_device"} {
		formats = append(formats, format(f, structOfKernel(f, spec, name)))
	}
	f.Add(uint8(0), []byte(packetBytes))
	f.Add(uint8(1), []byte("eth0\x00\xff\xc3\xbc\"\\ \n"))
	f.Add(uint8(3), bytes.Repeat([]byte{3}, 400))
	f.Fuzz(func(t *testing.T, which uint8, raw []byte) {
		checkAll(t, formats[int(which)%len(formats)], raw)
	})
}

// TestPrintingAllocatesNothing checks that printing does not allocate, since it is done for every event.
func TestPrintingAllocatesNothing(t *testing.T) {
	f := format(t, structOfKernel(t, ownTypes(t), "sk_buff"))
	raw := randomBytes(rand.New(rand.NewPCG(5, 6)), f.Size())
	dst := make([]byte, 0, 1<<16)
	for name, print := range map[string]func(){
		"text":  func() { f.AppendText(dst, raw) },
		"lines": func() { f.AppendLines(dst, raw, 2) },
		"JSON":  func() { f.AppendJSON(dst, raw) },
	} {
		if n := testing.AllocsPerRun(100, print); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	skb := structOfKernel(b, ownTypes(b), "sk_buff")
	for b.Loop() {
		if _, err := New(skb); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	f := format(b, structOfKernel(b, ownTypes(b), "sk_buff"))
	raw := randomBytes(rand.New(rand.NewPCG(7, 8)), f.Size())
	dst := make([]byte, 0, 1<<16)
	b.Run("text", func(b *testing.B) {
		for b.Loop() {
			f.AppendText(dst, raw)
		}
	})
	b.Run("lines", func(b *testing.B) {
		for b.Loop() {
			f.AppendLines(dst, raw, 2)
		}
	})
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			f.AppendJSON(dst, raw)
		}
	})
}
