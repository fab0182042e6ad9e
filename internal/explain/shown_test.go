// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// shownCause is a cause in a document, with the texts of the values that its lines have.
type shownCause struct {
	id     string
	values map[string]string
}

// page is a document with causes, in the order of their lines.
type page struct {
	path string
	// width is that of the lines; 0 means that they are not wrapped.
	width  int
	causes []shownCause
	// inJSON are those in JSON, in any order.
	inJSON []shownCause
}

var (
	shownReversePath = shownCause{"rp-filter-strict", map[string]string{"rp_all": "1", "rp_dev": "0", "dev": "lan", "src": "10.99.0.1", "way_back.dev": "wan", "way_back.table": "main"}}
	shownRule        = shownCause{"nft-rule", ruleValues("deny", "4", `tcp dport 8080 counter drop comment "ticket 1234"; reached by input (policy accept) -> handle 3 jump deny`)}
	shownBackend     = shownCause{"udp-no-listener", map[string]string{"dst4": "10.2.0.2", "dport": "5353", "src4": "10.1.0.2", "gets_error": "1", "listeners": "no socket has port 5353 in this network namespace"}}
)

func ruleValues(chain, handle, rule string) map[string]string {
	return map[string]string{
		"nft_rule.family": "inet", "nft_rule.table": "filter", "nft_rule.chain": chain, "nft_rule.handle": handle, "nft_rule.hook": "input",
		"nft_rule.priority": "0", "rule": rule,
	}
}

var pages = []page{
	{path: "../../docs/problems.md", width: 100, causes: []shownCause{
		{"ip-forward-off", map[string]string{"dev": "lan", "dst": "10.2.0.2"}},
		shownReversePath,
		{"no-route", map[string]string{"dst": "10.6.0.1", "src": "10.1.0.2", "dev": "lan", "mark": "0x0", "way.table": "main"}},
		{"route-blackhole", map[string]string{"dst": "10.7.0.1", "way.refusing": "main"}},
		{"neigh-no-answer", map[string]string{"unresolved.via": "10.2.0.99", "unresolved.dev": "wan", "unresolved.multicast_probes": "3", "unresolved.unicast_probes": "3"}},
		{"wrong-mac", map[string]string{"to": "02:00:00:00:00:77", "dev": "lan", "own": "…", "promiscuity": "0"}},
		{"vlan-without-device", map[string]string{"untagged.vlan": "7", "untagged.dev": "lan"}},
		{"forward-mtu-device", map[string]string{"len": "1500 B", "out": "wan", "dev_mtu": "1400 B", "src": "10.1.0.2", "gets_error": "1"}},
		{"nft-rule", ruleValues("input", "2", "meta l4proto icmp drop; reached by input (policy accept)")},
		{"qdisc-full-bytes", map[string]string{"enqueue.kind": "bfifo", "enqueue.handle": "0:", "enqueue.dev": "wan", "enqueue.backlog": "4168 B", "enqueue.limit": "5000"}},
		shownRule,
		{"conntrack-full", map[string]string{"conntrack_in.count": "1", "conntrack_in.max": "1", "top_sources": "10.1.0.2 (1)"}},
		{"tc-program", map[string]string{"tc_program.program": "136", "tc_program.name": "deny", "dev": "lan", "tc_program.prio": "1"}},
		shownBackend,
		{"udp-no-listener", map[string]string{"dst4": "10.2.0.2", "dport": "53", "src4": "10.1.0.2", "gets_error": "1", "listeners": "no socket has port 53 in this network namespace"}},
		{"tcp-no-listener", map[string]string{"dst4": "10.2.0.2", "dport": "8080", "listeners": "backend[136] listens on 127.0.0.1:8080 only"}},
		{"syn-accept-queue-full", map[string]string{"conn_request.lport": "8080", "conn_request.waiting": "2", "conn_request.limit": "1", "conn_request.somaxconn": "4096", "owner": "backend[136]"}},
		{"udp-rcvbuf", map[string]string{"udp_queue.protocol_name": "udp", "udp_queue.lport": "53", "udp_queue.used": "4608 B", "udp_queue.rcvbuf": "2304 B", "udp_queue.waiting": "2", "owner": "backend[136]"}},
	}},
	{path: "../../README.md", width: 100, causes: []shownCause{shownRule, shownReversePath, shownBackend}},
	{path: "../../docs/output.md", causes: []shownCause{shownReversePath}, inJSON: []shownCause{shownBackend}},
}

// TestShownCauses checks that the causes in documents have the words of the table; -update writes them. The virtual
// machines check that tracer prints the lines of docs/problems.md.
func TestShownCauses(t *testing.T) {
	for _, p := range pages {
		got, err := os.ReadFile(p.path)
		if err != nil {
			t.Fatal(err)
		}
		want := p.withCauses(t, string(got))
		if *update {
			if err := os.WriteFile(p.path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s differs from the table of causes, -update writes it (-want +got):\n%s", p.path, diff)
		}
	}
}

const (
	whyPrefix, fixPrefix = "    why: ", "    fix: "
	continued            = "         " // begins the rest of a wrapped line
)

// countLine is a line with the number of drops by a cause.
var countLine = regexp.MustCompile(`^(  \d+ × )([a-z0-9-]+): .*?( +\(first: \S+\))?$`)

// causeInJSON is a section why of a JSON record; the text and the remedy are between the groups.
var causeInJSON = regexp.MustCompile(`("why":\{"cause":"([a-z0-9-]+)","text":")[^"]*(".*"remedy":")[^"]*(")`)

// withCauses returns a document with the lines that the table makes for its causes.
func (p *page) withCauses(t *testing.T, text string) string {
	t.Helper()
	next, lines := p.causes, []string{}
	for _, line := range unwrapped(text) {
		count, object := countLine.FindStringSubmatch(line), causeInJSON.FindStringSubmatchIndex(line)
		switch {
		case strings.HasPrefix(line, whyPrefix):
			if len(next) == 0 {
				t.Fatalf("%s has more causes than the test: %s", p.path, line)
			}
			lines = append(lines, p.wrap(whyPrefix, next[0].text(t))...)
			if remedy := next[0].remedy(t); remedy != "" {
				lines = append(lines, p.wrap(fixPrefix, remedy)...)
			}
			next = next[1:]
		case strings.HasPrefix(line, fixPrefix): // written with the cause
		case count != nil:
			lines = append(lines, p.count(t, count)...)
		case object != nil:
			lines = append(lines, p.object(t, line, object))
		default:
			lines = append(lines, line)
		}
	}
	if len(next) > 0 {
		t.Errorf("%s lacks the cause %s", p.path, next[0].id)
	}
	return strings.Join(lines, "\n")
}

// count returns the lines of a count of drops.
func (p *page) count(t *testing.T, match []string) []string {
	t.Helper()
	text := match[2] + ": " + find(t, p.causes, match[2]).text(t)
	if first := strings.TrimLeft(match[3], " "); first != "" {
		text += "  " + first
	}
	return p.wrap(match[1], text)
}

// object returns a JSON record with the texts of its cause. at are the positions of the groups of causeInJSON.
func (p *page) object(t *testing.T, line string, at []int) string {
	t.Helper()
	cause := find(t, p.inJSON, line[at[4]:at[5]])
	return line[:at[3]] + cause.text(t) + line[at[6]:at[7]] + cause.remedy(t) + line[at[8]:]
}

// unwrapped returns the lines of a document, those of causes with what continues them.
func unwrapped(text string) (lines []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if rest, is := strings.CutPrefix(line, continued); is && len(lines) > 0 && isOfCause(lines[len(lines)-1]) {
			lines[len(lines)-1] += " " + rest
		} else {
			lines = append(lines, line)
		}
	}
	return lines
}

func isOfCause(line string) bool {
	return strings.HasPrefix(line, whyPrefix) || strings.HasPrefix(line, fixPrefix) || strings.HasPrefix(line, "  ") && strings.Contains(line, " × ")
}

// wrap returns the lines of a text.
func (p *page) wrap(prefix, text string) (lines []string) {
	if p.width == 0 {
		return []string{prefix + text}
	}
	line := prefix
	for i, word := range wordsOf(text) {
		longer := line + " " + word
		if i == 0 {
			longer = line + word
		}
		if i > 0 && utf8.RuneCountInString(longer) > p.width {
			lines, longer = append(lines, line), continued+strings.TrimLeft(word, " ")
		}
		line = longer
	}
	return append(lines, line)
}

// wordsOf splits a text at single spaces; more of them begin a word.
func wordsOf(text string) (words []string) {
	spaces := ""
	for word := range strings.SplitSeq(text, " ") {
		if word == "" {
			spaces += " "
			continue
		}
		words, spaces = append(words, spaces+word), ""
	}
	return words
}

// find returns the cause with an identifier.
func find(t *testing.T, causes []shownCause, id string) shownCause {
	t.Helper()
	i := slices.IndexFunc(causes, func(c shownCause) bool { return c.id == id })
	if i < 0 {
		t.Fatalf("the test has no cause %s", id)
	}
	return causes[i]
}

func (s shownCause) text(t *testing.T) string { return s.filled(t, s.cause(t).Text, parseTemplate) }

func (s shownCause) remedy(t *testing.T) string { return s.filled(t, s.cause(t).Remedy, parseRemedy) }

func (s shownCause) cause(t *testing.T) *Cause {
	t.Helper()
	for _, c := range load(t).Causes() {
		if c.ID == s.id {
			return c
		}
	}
	t.Fatalf("no cause %s", s.id)
	return nil
}

// filled returns a text with the values.
func (s shownCause) filled(t *testing.T, text string, parse func(string) (template, error)) string {
	t.Helper()
	parsed, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	values := Values{}
	for key, value := range s.values {
		n, _ := strconv.ParseUint(value, 10, 64) // conditions of parts use numbers only
		values[key] = Value{Text: value, Number: n}
	}
	filled, complete := parsed.fill(values)
	if !complete {
		t.Errorf("%s: the text %s needs more values than %v", s.id, text, s.values)
	}
	return filled
}

// TestREADMECountsCauses checks that the table tells as many causes as the README says.
func TestREADMECountsCauses(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if words := strings.Join(strings.Fields(string(readme)), " "); !strings.Contains(words, "[more than three hundred](docs/drops.md)") {
		t.Error("README.md does not say that tracer knows more than three hundred causes")
	}
	table, told := load(t), 0
	for _, c := range table.causes {
		if table.isTold(c) {
			told++
		}
	}
	if told <= 300 {
		t.Errorf("%d causes are told, want more than 300", told)
	}
}

// TestWrappedLines checks that wrapped lines are not longer than the width and have all words.
func TestWrappedLines(t *testing.T) {
	p := page{width: 30}
	const text = "no route to 10.6.0.1 for a packet from lan  (first: 10.1.0.2:4000->10.6.0.1:53(udp))"
	lines := p.wrap(whyPrefix, text)
	const want = "    why: no route to 10.6.0.1|         for a packet from lan|         (first:|         10.1.0.2:4000->10.6.0.1:53(udp))"
	if got := strings.Join(lines, "|"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := fmt.Sprint(unwrapped(strings.Join(lines, "\n") + "\nip_rcv")); !strings.HasSuffix(got, "53(udp)) ip_rcv]") || strings.Contains(got, "  (") {
		t.Errorf("unwrapped: %s", got)
	}
}
