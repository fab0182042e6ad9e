// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/ktest"
)

// oraclePackets returns the number of packets: the environment variable PACKETS, or 100,000 on the thorough machine with
// all backends, and 10,000 on others.
func oraclePackets(t *testing.T) int {
	t.Helper()
	text := os.Getenv("PACKETS")
	switch {
	case text == "" && !isBrief() && chosen() == kprobeMulti:
		return 100000
	case text == "":
		return 10000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1000 || n > mostNumbers {
		t.Fatalf("PACKETS: %q, %v: want a number from 1000 to %d", text, err, mostNumbers)
	}
	return n
}

// decider is what dropped a packet: a rule, or a policy if handle is 0, or what tracer says instead of both.
type decider struct {
	family, table, chain string
	handle               uint64
	instead              string
}

func (d decider) String() string {
	if d.instead != "" {
		return "cause " + d.instead
	}
	return fmt.Sprintf("%s/%s/%s handle %d", d.family, d.table, d.chain, d.handle)
}

// isPolicy reports whether it is known and no rule.
func (d decider) isPolicy() bool { return d.chain != "" && d.handle == 0 }

// nftOracle collects what dropped each packet, by its number.
type nftOracle struct {
	*nftLab
	t *testing.T
	// traced is according to the kernel's trace, told according to tracer.
	traced, told []decider
	// Numbers of packets: sent, dropped in the trace, dropped by tracer's rows, and those for which sending does not
	// wait any more.
	sent, tracedDrops, toldDrops, given atomic.Int64
	// gaps is how often messages of the trace were lost, answers the number of rows of other packets.
	gaps    int
	answers int
	summary record
	began   time.Time
}

// TestNftRuleAgreesWithTrace compares the rules and policies that drop packets with those in the kernel's own trace of
// nftables (nftrace): 500 random rules of all families, which are replaced while packets arrive. Without a change, the
// ruleset stays as it was.
func TestNftRuleAgreesWithTrace(t *testing.T) {
	needFunctions(t)
	seed, count := uint64(time.Now().UnixNano()), oraclePackets(t)
	t.Logf("seed %d", seed)
	o := &nftOracle{began: time.Now(), nftLab: newNftLab(t), t: t, traced: make([]decider, count), told: make([]decider, count)}
	tables := writeTables(t, o.b, rand.New(rand.NewPCG(seed, 8)))
	o.done("added the tables")
	before := ktest.DumpRuleset(t, o.b)
	o.done("listed the ruleset")
	endTrace := o.startTrace()
	endTracer := o.startTracer()
	o.done("started tracer")

	o.send(seed, 0, count/4, func() { time.Sleep(10 * time.Millisecond) })
	o.done(fmt.Sprintf("sent %d packets", count/4))
	o.checkRuleset(before)
	changes := o.send(seed, count/4, count, tables.change)
	o.done(fmt.Sprintf("sent the other packets during %d changes and reloads", changes))
	before = ktest.DumpRuleset(t, o.b)
	endTracer()
	o.checkRuleset(before)
	endTrace()
	o.judge()
}

// done logs how long a part of the test has taken.
func (o *nftOracle) done(what string) {
	o.t.Helper()
	o.t.Logf("%s in %.1f s", what, time.Since(o.began).Seconds())
	o.began = time.Now()
}

func (o *nftOracle) checkRuleset(before string) {
	o.t.Helper()
	if after := ktest.DumpRuleset(o.t, o.b); after != before {
		o.t.Errorf("the ruleset changed, before:\n%s\nafter:\n%s", before, after)
	}
}

// oracleSenders send at the same time, so that packets arrive on more than one CPU.
const oracleSenders = 2

// send sends the packets with these numbers, and calls change repeatedly meanwhile. It returns the number of calls.
func (o *nftOracle) send(seed uint64, from, to int, change func()) (changes int) {
	o.t.Helper()
	ended := make(chan error, oracleSenders)
	for k := range oracleSenders {
		go func() { ended <- o.sendEach(rand.New(rand.NewPCG(seed, uint64(from+k))), from+k, to) }()
	}
	for left := oracleSenders; left > 0; {
		select {
		case err := <-ended:
			if left--; err != nil {
				o.t.Error(err)
			}
		default:
			change()
			changes++
		}
	}
	o.await(0)
	return changes
}

// sendEach sends the packets of one sender.
func (o *nftOracle) sendEach(r *rand.Rand, from, to int) error {
	return o.a.Do(func() error {
		link, err := ktest.Link{Device: "va"}.Open()
		if err != nil {
			return err
		}
		defer link.Close()
		for number := from; number < to; number += oracleSenders {
			o.await(mostPending)
			if err := link.SendPacket(o.packet(number, r)); err != nil {
				return err
			}
			o.sent.Add(1)
		}
		return nil
	})
}

// mostPending is how many packets may be sent before they are in the trace and in tracer's output, so that neither
// loses any.
const mostPending = 256

// await waits until at most so many packets are pending. Packets that are pending for very long are lost.
func (o *nftOracle) await(most int64) {
	if !waits(time.Minute, func() bool { return o.pending() <= most }) {
		o.t.Logf("%d packets are sent, %d are dropped in the trace, %d in tracer's rows", o.sent.Load(), o.tracedDrops.Load(), o.toldDrops.Load())
		o.given.Add(o.pending())
	}
}

func (o *nftOracle) pending() int64 {
	return o.sent.Load() - o.given.Load() - min(o.tracedDrops.Load(), o.toldDrops.Load())
}

// startTrace collects the kernel's trace until the function that it returns is called.
func (o *nftOracle) startTrace() (end func()) {
	o.t.Helper()
	trace := ktest.NewNftTrace(o.t, o.b)
	var stopped atomic.Bool
	ended := make(chan error, 1)
	go func() { ended <- o.readTrace(trace, &stopped) }()
	return func() {
		o.t.Helper()
		stopped.Store(true)
		if err := <-ended; err != nil {
			o.t.Error(err)
		}
	}
}

func (o *nftOracle) readTrace(trace *ktest.NftTrace, stopped *atomic.Bool) error {
	numbers := map[uint32]int{} // by the kernel's number of the packet
	for missing := false; ; {
		d, err := trace.Next()
		switch {
		case errors.Is(err, unix.ENOBUFS):
			o.gaps++
			missing = true
			clear(numbers)
		case errors.Is(err, unix.EAGAIN):
			missing = false
			if stopped.Load() {
				return nil
			}
		case err != nil:
			return err
		case !missing:
			o.noteDecision(numbers, d)
		}
	}
}

func (o *nftOracle) noteDecision(numbers map[uint32]int, d ktest.NftDecision) {
	if d.Header != nil {
		numbers[d.Packet] = numberIn(d.Header)
	}
	if !d.Drops {
		return
	}
	number, known := numbers[d.Packet]
	delete(numbers, d.Packet)
	if known && o.note(o.traced, number, decider{family: familyNames[d.Family], table: d.Table, chain: d.Chain, handle: d.Handle}) {
		o.tracedDrops.Add(1)
	}
}

// note notes what dropped a packet. It returns false if there is no such packet.
func (o *nftOracle) note(list []decider, number int, d decider) bool {
	if number < 0 || number >= len(list) {
		return false
	}
	if list[number] != (decider{}) {
		o.t.Errorf("packet %d is dropped by %s and by %s", number, list[number], d)
	}
	list[number] = d
	return true
}

// startTracer starts tracer and collects its output until the function that it returns is called.
func (o *nftOracle) startTracer() (end func()) {
	o.t.Helper()
	output, input, err := os.Pipe()
	if err != nil {
		o.t.Fatal(err)
	}
	defer input.Close()
	p := command{
		args:   []string{"--output-json", "--backend", chosen(), "--drop", "--why", "netfilter", "--filter-netns", o.b.Path, numbersFilter},
		stdout: input,
	}.start(o.t)
	ended := make(chan error, 1)
	go func() { ended <- o.readRows(output) }()
	p.awaitReady()
	return func() {
		o.t.Helper()
		p.stopText()
		if err := <-ended; err != nil {
			o.t.Error(err)
		}
	}
}

func (o *nftOracle) readRows(output *os.File) error {
	defer output.Close()
	lines := bufio.NewReaderSize(output, 1<<20)
	for {
		line, err := lines.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && len(line) == 0:
			return nil
		case err != nil:
			return fmt.Errorf("line %q: %w", line, err)
		}
		if err := o.noteRow(line); err != nil {
			o.t.Errorf("line %q: %v", line, err)
		}
	}
}

// nftRow has the fields of a row that say what dropped which packet.
type nftRow struct {
	Type  string
	Tuple struct {
		Source netip.Addr `json:"saddr"`
	}
	Why struct {
		Cause  string
		Values struct {
			Family string `json:"nft_rule.family"`
			Table  string `json:"nft_rule.table"`
			Chain  string `json:"nft_rule.chain"`
			Handle uint64 `json:"nft_rule.handle"`
		}
	}
}

func (o *nftOracle) noteRow(line []byte) error {
	var r nftRow
	if err := json.Unmarshal(line, &r); err != nil {
		return err
	}
	switch r.Type {
	case "summary":
		return json.Unmarshal(line, &o.summary)
	case "lost":
		return nil // the summary has the number
	}
	number := numberOf(r.Tuple.Source)
	if number < 0 { // an answer of a rule that rejects
		o.answers++
		return nil
	}
	v := &r.Why.Values
	d := decider{family: v.Family, table: v.Table, chain: v.Chain, handle: v.Handle}
	if !strings.HasPrefix(r.Why.Cause, "nft-") {
		d = decider{instead: r.Why.Cause}
	}
	if !o.note(o.told, number, d) {
		return errors.New("no packet has this source address")
	}
	o.toldDrops.Add(1)
	return nil
}

// mostErrors is the number of wrong packets that are shown.
const mostErrors = 10

// judge compares the two lists.
func (o *nftOracle) judge() {
	o.t.Helper()
	var untraced, unknowns, wrong int
	for number, traced := range o.traced {
		switch told := o.told[number]; {
		case traced == (decider{}):
			untraced++
		case told.instead == unknown:
			unknowns++
		case told != traced:
			if wrong++; wrong <= mostErrors {
				o.t.Errorf("packet %d is dropped by %s, but tracer says %s", number, traced, told)
			}
		}
	}
	count := len(o.traced)
	o.t.Logf("%d wrong, %d unknown, %d not in the trace, which has %d gaps; tracer missed %d calls", wrong, unknowns, untraced, o.gaps, o.summary.Missed)
	if wrong > 0 || unknowns > count/1000 || untraced > count/20 {
		o.t.Errorf("of %d packets %d are wrong, %d are unknown, %d are not in the trace", count, wrong, unknowns, untraced)
	}
	if s := o.summary; s.Lost > 0 || s.Printed != count+o.answers || s.Matched != s.Printed {
		o.t.Errorf("tracer printed %d of %d rows for %d packets, and lost %d", s.Printed, s.Matched, count, s.Lost)
	}
	o.checkVariety()
}

// checkVariety checks that each table and many rules drop packets.
func (o *nftOracle) checkVariety() {
	o.t.Helper()
	tables, rules, policies := map[string]int{}, map[decider]bool{}, 0
	for _, d := range o.traced {
		tables[d.family+"/"+d.table]++
		if d.isPolicy() {
			policies++
		} else {
			rules[d] = true
		}
	}
	o.t.Logf("dropped by %d rules, %d packets by policies; by table: %v", len(rules), policies, tables)
	for _, table := range randomTables {
		name := familyNames[table.family] + "/" + table.name
		if tables[name] == 0 {
			o.t.Errorf("%s drops no packet", name)
		}
	}
	if len(rules) < 100 || policies == 0 {
		o.t.Errorf("%d rules drop packets, and policies drop %d", len(rules), policies)
	}
}
