// SPDX-License-Identifier: Apache-2.0

package guest

import (
	endian "encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"tracer/internal/ktest"
)

// mapCall is an operation on a map. JSON null becomes nil.
type mapCall struct {
	Operation string  `json:"operation"`
	ID        uint32  `json:"id"`
	Name      string  `json:"name"`
	Type      string  `json:"map_type"`
	KeySize   int     `json:"key_size"`
	ValueSize int     `json:"value_size"`
	Key       *string `json:"key"`
	Cut       bool    `json:"key_truncated"`
	Found     *bool   `json:"found"`
	Value     *string `json:"value"`
	ValueCut  bool    `json:"value_truncated"`
}

// short returns the call as a line of text, for comparison.
func (c *mapCall) short() string {
	text := fmt.Sprintf("%s %s#%d(%s,%d,%d) key=%s", c.Operation, c.Name, c.ID, c.Type, c.KeySize, c.ValueSize, orNull(c.Key))
	if c.Found != nil {
		text += fmt.Sprintf(" found=%t", *c.Found)
	}
	return text + " value=" + orNull(c.Value)
}

func orNull(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}

// word returns n as four bytes in native byte order, in hex.
func word(n uint32) string { return hex.EncodeToString(endian.NativeEndian.AppendUint32(nil, n)) }

func double(n uint64) string { return hex.EncodeToString(endian.NativeEndian.AppendUint64(nil, n)) }

const (
	mappedPort   = 7001
	unmappedPort = 7002
)

// fill puts different values for the two ports into the maps.
func (m *mapped) fill() {
	m.t.Helper()
	for port, name := range map[uint32]string{mappedPort: "wanted wanted !!", unmappedPort: "stranger strange"} {
		m.put(m.Flows, port, []byte(name))
		m.put(m.Limited, port, []byte(name[:8]))
		m.put(m.PerCPU, port, slices.Repeat([][]byte{[]byte(name[8:])}, ebpf.MustPossibleCPU()))
		m.put(m.Prefixes, [2]uint32{32, port}, []byte(name[:4]))
	}
}

func (m *mapped) put(to *ebpf.Map, key, value any) {
	m.t.Helper()
	if err := to.Put(key, value); err != nil {
		m.t.Fatal(err)
	}
}

// want returns the expected operations for each packet of the wanted port, in order.
func (m *mapped) want() []string {
	key := word(mappedPort)
	text := func(s string) string { return hex.EncodeToString([]byte(s)) }
	list := []string{
		fmt.Sprintf("lookup flows#%d(hash,4,16) key=%s found=true value=%s", m.id(m.Flows), key, text("wanted wanted !!")),
		fmt.Sprintf("lookup flows#%d(hash,4,16) key=%s found=false value=null", m.id(m.Flows), word(mappedPort|ktest.MissBit)),
		fmt.Sprintf("lookup limited#%d(lru_hash,4,8) key=%s found=true value=%s", m.id(m.Limited), key, text("wanted w")),
		fmt.Sprintf("lookup per_cpu#%d(percpu_hash,4,8) key=%s found=true value=%s", m.id(m.PerCPU), key, text("anted !!")),
	}
	if seesTries(m.t) {
		list = append(list, fmt.Sprintf("lookup prefixes#%d(lpm_trie,8,4) key=%s found=true value=%s", m.id(m.Prefixes), word(32)+key, text("want")))
	}
	return append(list,
		fmt.Sprintf("update marks#%d(hash,4,8) key=%s value=%s", m.id(m.Marks), key, double(ktest.MarkValue)),
		fmt.Sprintf("delete marks#%d(hash,4,8) key=%s value=null", m.id(m.Marks), key),
	)
}

// lookUpInTrie is the function that looks up a key in an LPM trie.
const lookUpInTrie = "trie_lookup_elem"

// seesTries reports whether lookUpInTrie can be traced. On the newest kernels it is notrace.
func seesTries(t *testing.T) bool {
	t.Helper()
	return strings.Contains(readTracing(t, "available_filter_functions"), "\n"+lookUpInTrie+"\n")
}

func (m *mapped) id(of *ebpf.Map) uint32 {
	m.t.Helper()
	info, err := of.Info()
	if err != nil {
		m.t.Fatal(err)
	}
	id, _ := info.ID()
	return uint32(id)
}

// mapCallsOf returns the map operations of each packet, in order. A packet is identified by its sk_buff's
// address; since addresses are reused, the call first begins a new packet.
func (rs records) mapCallsOf(first string) (packets [][]string) {
	open := map[string]int{}
	for i := range rs {
		r := &rs[i]
		if r.Map == nil || r.Type != "function" {
			continue
		}
		short := r.Map.short()
		at, begun := open[r.Skb]
		if !begun || short == first {
			at = len(packets)
			open[r.Skb], packets = at, append(packets, nil)
		}
		packets[at] = append(packets[at], short)
	}
	return packets
}

// TestMapOperations checks that each kind of map operation that a program performs for a matching packet is reported
// with its bytes, and that the operations for other packets at the same time are not.
func TestMapOperations(t *testing.T) {
	for _, backend := range needFunctions(t)[:1] { // only the best: the others behave the same, and take minutes
		for name, flags := range map[string][]string{
			"no other flags": nil, "more flags": {"--filter-track-bpf-helpers", "--output-return", "--output-stack", "--filter-track-skb"},
		} {
			t.Run(backend+"/"+name, func(t *testing.T) {
				m := newMapped(t)
				m.fill()
				p := start(t, append([]string{"--backend", backend, "--output-bpfmap", "--filter-func", aroundTC,
					"--filter-netns", m.b.Path, "udp and src port 7001"}, flags...)...)
				m.both()
				trace := p.stop()
				m.checkMaps(trace)
				if flags != nil {
					m.checkHelpers(trace)
				}
				if t.Failed() {
					t.Logf("stderr: %s", p.stderr())
				}
			})
		}
	}
}

func (m *mapped) checkMaps(trace *trace) {
	m.t.Helper()
	trace.events.that(not(sport(mappedPort))).absent(m.t, "operations for other packets")
	trace.events.that(func(r *record) bool { return r.Skb == "" || r.Skb == "0x0" }).absent(m.t, "operations without a packet")
	want := m.want()
	packets := trace.events.mapCallsOf(want[0])
	if len(packets) < burst/2 {
		m.t.Fatalf("operations for %d packets, only %v", len(packets), trace.events.funcs())
	}
	unseen := trace.summary.Unreturned + trace.summary.Lost
	for _, got := range packets {
		if diff := cmp.Diff(want, got); diff != "" && unseen == 0 {
			m.t.Fatalf("operations for one of %d packets (-want +got):\n%s", len(packets), diff)
		}
	}
	if s := trace.summary; s.Missed > s.Matched/100 {
		m.t.Errorf("%d missed of %d matched: are our own look-ups among them?", s.Missed, s.Matched)
	}
	if unseen > trace.summary.Matched/20 {
		m.t.Errorf("%d of %d not seen", unseen, trace.summary.Matched)
	}
}

// TestMapOperationsInText checks the format of map operations in text output: one word of the row.
func TestMapOperationsInText(t *testing.T) {
	needFunctions(t)
	m := newMapped(t)
	m.fill()
	p := command{args: []string{"--output-bpfmap", "--filter-func", aroundTC, "--filter-netns", m.b.Path, "udp and src port 7001"}}.start(t)
	p.awaitReady()
	m.both()
	p.stopText()
	for _, want := range []string{
		fmt.Sprintf(" lookup:flows#%d(hash),key=%s,not_found", m.id(m.Flows), word(mappedPort|ktest.MissBit)),
		fmt.Sprintf(" update:marks#%d(hash),key=%s,value=%s", m.id(m.Marks), word(mappedPort), double(ktest.MarkValue)),
	} {
		if !strings.Contains(p.stdout(), want) {
			t.Errorf("no %q in %.3000s", want, p.stdout())
		}
	}
}
