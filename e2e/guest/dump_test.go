// SPDX-License-Identifier: Apache-2.0

package guest

import (
	endian "encoding/binary"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// TestDump checks dumps of whole kernel objects. The payload of the TCP packet is in pages, so its
// shared info has fragments.
func TestDump(t *testing.T) {
	w := newWorld(t)
	p := start(t, "--filter-func", dumpFunctions(), "--output-skb", "--output-skb-shared-info", "--output-skb-cb", "net 10.9.0.0/24")
	u := udp(a4+":7001", b4+":7777")
	u.Mark = 0x1234
	do(t, w.a, func() error { return u.Send(1) })
	if err := tcp(a4+":41001", b4+":8080", strings.Repeat("x", 20000)).Exchange(w.a, w.b); err != nil {
		t.Fatal(err)
	}
	events := p.stop().events
	small, large := events.that(ports(7001, 7777)), events.that(ports(41001, 8080))
	small.that(func(r *record) bool { return r.number("mark") == 0x1234 }).passed(t, marks(chosen()).sent)
	for _, r := range events {
		if r.checkDump(t); t.Failed() {
			break // the others would fail alike
		}
	}
	paged := func(r *record) bool { return number(r.Shared["nr_frags"]) > 0 }
	large.that(paged).passed(t, marks(chosen()).sent)
	small.that(paged).absent(t, "small datagram in pages")
	events.that(func(r *record) bool { return slices.Max(r.CB) > 0 }).present(t, "cb that is not zero")
}

// dumpFunctions returns functions, including some at which the protocol has written to cb.
func dumpFunctions() string {
	if chosen() == tracepoint {
		return few()
	}
	return few() + "|tcp_v4_do_rcv|tcp_rcv_established"
}

var address = regexp.MustCompile(`^0x[0-9a-f]{5,16}$`)

// checkDump compares the dump with the columns.
func (r *record) checkDump(t *testing.T) {
	t.Helper()
	for name, want := range map[string]int{
		"len": r.Len, "mark": int(r.Mark), "protocol": r.Proto,
	} {
		if got := r.number(name); got != want {
			t.Errorf("%s is %d in the dump, want %d", name, got, want)
		}
	}
	for _, name := range []string{"head", "data"} {
		if got := r.text(name); !address.MatchString(got) {
			t.Errorf("pointer %s is %q", name, got)
		}
	}
	if fragments := number(r.Shared["nr_frags"]); fragments < 0 {
		t.Errorf("shared info without its fragments: %v", r.Shared)
	}
	r.checkCB(t)
}

// checkCB checks the five words of the column against the bytes of skb->cb.
func (r *record) checkCB(t *testing.T) {
	t.Helper()
	raw, at := r.rawCB(t), offsetOfWords(t)
	if len(r.CB) != 5 {
		t.Fatalf("cb is %v", r.CB)
	}
	for i, word := range r.CB {
		if want := endian.NativeEndian.Uint32(raw[at+4*i:]); word != want {
			t.Errorf("word %d of cb is %#x, %#x in the dump", i, word, want)
		}
	}
}

// rawCB returns all of cb, from the dump.
func (r *record) rawCB(t *testing.T) []byte {
	t.Helper()
	raw, err := hex.DecodeString(strings.TrimPrefix(r.text("cb"), "0x"))
	if err != nil || len(raw) != 48 {
		t.Fatalf("cb %q: %v", r.text("cb"), err)
	}
	return raw
}

// offsetOfWords returns the offset within skb->cb of the words that BPF programs access as cb.
func offsetOfWords(t *testing.T) int {
	t.Helper()
	var cb *btf.Struct
	if err := types().TypeByName("qdisc_skb_cb", &cb); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(cb.Members, func(m btf.Member) bool { return m.Name == "data" })
	if i < 0 {
		t.Fatalf("no data in %v", cb)
	}
	return int(cb.Members[i].Offset.Bytes())
}

// number returns a member of the dumped sk_buff, or -1 if it is missing.
func (r *record) number(name string) int { return number(member(r.Dump, name)) }

func (r *record) text(name string) string {
	var s string
	if json.Unmarshal(member(r.Dump, name), &s) != nil {
		return string(member(r.Dump, name))
	}
	return s
}

func number(text json.RawMessage) int {
	n, err := strconv.Atoi(string(text))
	if err != nil {
		return -1
	}
	return n
}

// member finds a name in an object and in nested objects.
func member(object map[string]json.RawMessage, name string) json.RawMessage {
	if value, ok := object[name]; ok {
		return value
	}
	for _, value := range object {
		var inner map[string]json.RawMessage
		if json.Unmarshal(value, &inner) == nil {
			if found := member(inner, name); found != nil {
				return found
			}
		}
	}
	return nil
}
