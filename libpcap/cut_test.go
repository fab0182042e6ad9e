// SPDX-License-Identifier: Apache-2.0

package libpcap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
)

// randomExpr joins random terms. Some inherit the qualifiers of the term before them, or are
// expressions in parentheses.
func randomExpr(r *rand.Rand, depth int) string {
	words := []string{randomTerm(r, depth)}
	bare := "" // kind of value that may follow without qualifiers
	for range 1 + r.IntN(6) {
		words = append(words, []string{"or", "or", "and", "||", "&&"}[r.IntN(5)])
		switch last := words[len(words)-2]; {
		case strings.HasPrefix(last, "host") || strings.HasPrefix(last, "src host"):
			bare = "address"
		case strings.HasPrefix(last, "port") || strings.HasPrefix(last, "tcp dst port"):
			bare = "port"
		case last != "bare":
			bare = ""
		}
		if bare != "" && r.IntN(2) == 0 {
			value := randomAddress(r)
			if bare == "port" {
				value = fmt.Sprint(20 + r.IntN(4))
			}
			words[len(words)-1] += " " + []string{"", "not "}[r.IntN(2)] + value
			words = append(words, "bare")
			continue
		}
		words = append(words, randomTerm(r, depth))
	}
	return strings.ReplaceAll(strings.Join(words, " "), " bare", "")
}

func randomAddress(r *rand.Rand) string { return fmt.Sprintf("10.0.0.%d", r.IntN(5)) }

func randomTerm(r *rand.Rand, depth int) string {
	port := 20 + r.IntN(4)
	switch r.IntN(14) {
	case 0, 1:
		return "host " + randomAddress(r)
	case 2:
		return "src host " + randomAddress(r)
	case 3:
		return fmt.Sprintf("port %d", port)
	case 4:
		return fmt.Sprintf("tcp dst port %d", port)
	case 5:
		return []string{"tcp", "udp", "ip6", "arp", "icmp"}[r.IntN(5)]
	case 6:
		return fmt.Sprintf("src or dst port %d", port)
	case 7:
		return fmt.Sprintf("port (%d or %d or not %d)", port, port+1, port+2)
	case 8:
		return fmt.Sprintf("tcp[2:2] & 3 = %d", r.IntN(4))
	case 9:
		return "net 10.0.0.0/30"
	case 10:
		return fmt.Sprintf("len > %d", 50+r.IntN(20))
	case 11:
		return "not host " + randomAddress(r)
	}
	if depth == 0 {
		return "udp"
	}
	return []string{"", "not ", "! "}[r.IntN(3)] + "(" + randomExpr(r, depth-1) + ")"
}

// randomFrames returns complete frames with the hosts and ports of the random expressions.
func randomFrames(r *rand.Rand) [][]byte {
	var frames [][]byte
	for range 300 {
		source, dest := netip.MustParseAddr(randomAddress(r)), netip.MustParseAddr(randomAddress(r))
		protocol := []byte{6, 17, 1, 132}[r.IntN(4)]
		transport := binary.BigEndian.AppendUint16(nil, uint16(19+r.IntN(6)))
		transport = binary.BigEndian.AppendUint16(transport, uint16(19+r.IntN(6)))
		transport = append(transport, make([]byte, 16+r.IntN(20))...)
		switch r.IntN(5) {
		case 0:
			frames = append(frames, join(make([]byte, 12), []byte{0x86, 0xdd, 0x60, 0, 0, 0, 0, byte(len(transport)), protocol, 64}, make([]byte, 32), transport))
		case 1:
			frames = append(frames, join(make([]byte, 12), []byte{8, 6, 0, 1, 8, 0, 6, 4, 0, 1}, make([]byte, 6), source.AsSlice(), make([]byte, 6), dest.AsSlice(), make([]byte, 18)))
		default:
			frames = append(frames, join(make([]byte, 12), []byte{8, 0, 0x45, 0, 0, byte(20 + len(transport)), 0, 0, 0, 0, 64, protocol, 0, 0}, source.AsSlice(), dest.AsSlice(), transport))
		}
	}
	return frames
}

func join(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// TestPiecesMatchAsAWhole checks that an expression that is compiled in pieces matches the same frames as
// the whole expression. The whole is not optimized: the optimizer of libpcap 1.10.3 is wrong for some of
// these expressions, such as `port 20 || 22 or net 10.0.0.0/30 && port (20 or 21 or not 22) or 23`.
func TestPiecesMatchAsAWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(14, 10))
	frames := randomFrames(r)
	handle := openDead(Ethernet, snaplen)
	pieces, matched := 0, 0
	for range 800 {
		expr := randomExpr(r, 2)
		whole, msg, err := compileOn(leastStack, handle, false, expr)
		if msg != "" || err != nil {
			t.Fatalf("%s: %s, %v", expr, msg, err)
		}
		for most := 1; most <= 3; most++ {
			if (cutter{expr, Tokens(expr), most}).cut().parts == nil {
				continue
			}
			pieces++
			program := mustCut(t, expr, most)
			for _, frame := range frames {
				want := Match(whole, frame, len(frame))
				if want {
					matched++
				}
				if have := Match(program, frame, len(frame)); have != want {
					t.Fatalf("%s: in pieces of %d: %v, as a whole: %v, of % x", expr, most, have, want, frame)
				}
			}
		}
	}
	t.Logf("%d times in pieces, %d matches", pieces, matched)
	if pieces < 1800 || matched < 100000 {
		t.Errorf("only %d times in pieces, only %d matches", pieces, matched)
	}
}

// mustCut compiles an expression in pieces of at most `most` terms. If no packet can match it, the program rejects
// all packets.
func mustCut(t *testing.T, expr string, most int) []RawInstruction {
	t.Helper()
	program, err := compileInPieces(expr, Ethernet, snaplen, most)
	if err != nil && strings.HasSuffix(err.Error(), RejectsAll) {
		return []RawInstruction{{Op: opReturn}}
	}
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// TestCut checks where expressions are cut, and that some are not cut.
func TestCut(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{"host a or host b or host c", "host a or host b|host c"},
		{"host 1.1.1.1 or 2.2.2.2 or 3.3.3.3", "host 1.1.1.1 or 2.2.2.2|host 3.3.3.3"},
		{"tcp dst port 1 or 2 or not 3 or 4", "tcp dst port 1 or 2|tcp dst port not 3 or 4"},
		{"port (1 or 2 or 3)", "port 1 or 2|port 3"},
		{"tcp and (host 1.1.1.1 or 2.2.2.2 or 3.3.3.3)", "tcp|& host 1.1.1.1 or 2.2.2.2|host 3.3.3.3"},
		{"not (tcp or udp or icmp) or arp", "not tcp or udp|icmp|arp"},
		{"tcp or udp and arp and ip", "tcp or udp|& arp and ip"},
		{"src or dst host 1.1.1.1 or dst or src port 3 or tcp", "src or dst host 1.1.1.1|dst or src port 3|tcp"},
		{"host alpha or beta or gamma", "host alpha or beta or gamma"},                                    // names could be keywords
		{"net 1.1.0.0 mask 255.255.0.0 or 2.2.2.2 or tcp", "net 1.1.0.0 mask 255.255.0.0 or 2.2.2.2|tcp"}, // the inherited qualifiers are unknown
		{"vlan 1 or tcp or udp", "vlan 1 or tcp or udp"},                                                  // vlan changes the offsets of later terms
		{"(tcp or udp or icmp", "(tcp or udp or icmp"},
		{"tcp[0] = 1 or tcp[1] = 2 or len > 3", "tcp[0] = 1|tcp[1] = 2|len > 3"},
	} {
		cutter := cutter{c.expr, Tokens(c.expr), 2}
		if have := strings.TrimPrefix(cutter.describe(cutter.cut()), "|"); have != c.want {
			t.Errorf("%s:\nhave %s\nwant %s", c.expr, have, c.want)
		}
	}
}

// describe returns the pieces of a part, separated by | for `or` and |& for `and`.
func (c cutter) describe(p part) string {
	joined := "|"
	if p.and {
		joined = "|& "
	}
	if p.not {
		joined += "not "
	}
	if p.parts == nil {
		text, _ := c.piece(p)
		return joined + text
	}
	text := ""
	for _, each := range p.parts {
		text += c.describe(each)
	}
	return joined + strings.TrimPrefix(text, "|")
}

func hosts(n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("host 10.%d.%d.%d", i>>16, i>>8&255, i&255)
	}
	return strings.Join(list, " or ")
}

// TestLongExpressions checks that expressions of up to 5,000 hosts compile.
func TestLongExpressions(t *testing.T) {
	frame := make([]byte, 60)
	copy(frame[12:], []byte{8, 0, 0x45})
	for _, n := range []int{250, 1000, 5000} {
		prog := mustCompile(t, hosts(n), Ethernet)
		for i, want := range map[int]bool{0: true, n / 2: true, n - 1: true, n: false} {
			copy(frame[30:], []byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
			if have := Match(prog, frame, len(frame)); have != want {
				t.Errorf("%d hosts, host %d: %v", n, i, have)
			}
		}
	}
}

// TestTooLong checks that expressions that libpcap would compile for minutes are rejected, with a short
// message.
func TestTooLong(t *testing.T) {
	for expr, want := range map[string]string{
		hosts(8193):                      "8193 terms are too many, at most 8192 are supported",
		"vlan and (" + hosts(1000) + ")": "1001 terms that cannot be compiled separately are too many, at most 256 are supported",
		"(" + hosts(257):                 "syntax error at the end",
		strings.Repeat("(", 1000):        "syntax error at the end",
		strings.Repeat("(", 100000):      "brackets are nested too deeply",
	} {
		_, err := Compile(expr, Ethernet, snaplen)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || syntax.Msg != want {
			t.Errorf("have %v, want that %s", err, want)
			continue
		}
		if syntax.Advice != "" && !strings.Contains(syntax.Hint(), "net 10.0.0.0/24") || len(err.Error()) > 300 || len(syntax.Hint()) > 600 {
			t.Errorf("%s\n%s", err, syntax.Hint())
		}
	}
}

// TestStackIsEnough compiles many repetitions of each expression with an eighth of stackPerTerm. The test
// crashes if that is too small.
func TestStackIsEnough(t *testing.T) {
	handle := openDead(Ethernet, snaplen)
	for _, expr := range validExpressions(t) {
		for _, word := range []string{" or ", " and "} {
			long := strings.TrimSuffix(strings.Repeat("("+expr+")"+word, 24), word)
			n := countTerms(Tokens(long))
			if _, _, err := compileOn(64<<10+n*stackPerTerm/8, handle, true, long); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestOffsetInLongExpression checks the offset of errors at the beginning, in the middle and at the end of long
// expressions.
func TestOffsetInLongExpression(t *testing.T) {
	long := hosts(1000)
	for _, c := range []struct{ expr, at string }{
		{long + " or tcp prot 80", "prot"},
		{"tcp prot 80 or " + long, "prot"},
		{long + " or tcp host or " + long, "host or"},
		{long + " or ether port 80", "port 80"},
		{long + " or port 70000 or " + long, "70000"},
		{long + " or (udp and " + long, ""},
		{long + ") or udp", ") or udp"},
		{long + " or", ""},
		{"(" + long + ") and port nosuchport", "nosuchport"},
		{"vlan and (" + long + ") and tcp prot 80", "prot"},
		{"vlan and (" + long + ") and (tcp port 80", ""},
		{"vlan and (" + long + ") or arp port 5 or udp", "port 5"},
	} {
		_, err := Compile(c.expr, Ethernet, snaplen)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Fatalf("have %v", err)
		}
		want := len(c.expr)
		if c.at != "" {
			want = strings.Index(c.expr, c.at)
		}
		if syntax.Offset != want {
			t.Errorf("place %d, want %d at %q\n%s\n%s", syntax.Offset, want, c.at, syntax, syntax.Hint())
		}
	}
}
