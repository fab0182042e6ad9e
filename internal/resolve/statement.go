// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"fmt"
	"strings"

	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"golang.org/x/sys/unix"
)

// statement writes an expression that does not match. nft prints all comparisons before such an expression, also those
// that later fields imply.
func (p *printer) statement(e expression) {
	defer clear(p.dependencies)
	switch v := e.value.(type) {
	case *expr.Verdict:
		p.add(p.verdict(v))
	case *expr.Counter:
		p.add("counter")
	case *expr.Notrack:
		p.add("notrack")
	case *expr.Limit:
		p.add(limit(v))
	case *expr.Log:
		p.add(logging(v))
	case *expr.Reject:
		p.reject(v)
	case *dynset:
		p.dynset(v)
	case *expr.Connlimit:
		p.add("ct count " + over(v.Flags&1 != 0) + fmt.Sprint(v.Count))
	case *expr.Quota:
		p.add("quota " + over(v.Over) + quantity(v.Bytes))
	case *expr.Objref:
		p.object(v)
	case *expr.Match:
		p.match(v)
	case *expr.Target:
		p.giveUp("target " + v.Name)
	default:
		p.giveUp(e.name)
	}
}

var verdicts = map[expr.VerdictKind]string{
	expr.VerdictDrop: "drop", expr.VerdictAccept: "accept", expr.VerdictReturn: "return", expr.VerdictContinue: "continue",
	expr.VerdictJump: "jump", expr.VerdictGoto: "goto",
}

// verdict returns the text of a verdict, with the rules of an anonymous chain in braces.
func (p *printer) verdict(v *expr.Verdict) string {
	word, ok := verdicts[v.Kind]
	switch {
	case !ok:
		return fmt.Sprintf("[verdict %d]", v.Kind)
	case v.Chain == "":
		return word
	case isAnonymous(v.Chain):
		return word + " { " + strings.Join(p.ask.chain(v.Chain), "; ") + " }"
	}
	return word + " " + v.Chain
}

// isAnonymous reports whether the kernel generated the name of a chain.
func isAnonymous(chain string) bool { return strings.HasPrefix(chain, "__chain") }

var limitUnits = map[expr.LimitTime]string{
	expr.LimitTimeSecond: "second", expr.LimitTimeMinute: "minute", expr.LimitTimeHour: "hour", expr.LimitTimeDay: "day", expr.LimitTimeWeek: "week",
}

// over returns nft's word for a limit that matches what exceeds it, or "".
func over(is bool) string {
	if is {
		return "over "
	}
	return ""
}

// objects are nft's names of the types of named objects.
var objects = map[int]string{unix.NFT_OBJECT_COUNTER: "counter", unix.NFT_OBJECT_QUOTA: "quota", unix.NFT_OBJECT_LIMIT: "limit"}

// object writes a reference to a named object.
func (p *printer) object(v *expr.Objref) {
	kind, ok := objects[v.Type]
	if !ok || v.Name == "" {
		p.giveUp("objref " + v.Name)
		return
	}
	p.add(fmt.Sprintf("%s name \"%s\"", kind, v.Name))
}

// defaultBurst is the default burst in packets, which nft does not print.
const defaultBurst = 5

func limit(v *expr.Limit) string {
	rate := fmt.Sprint(v.Rate)
	burst := fmt.Sprintf(" burst %d packets", v.Burst)
	if v.Burst == defaultBurst || v.Burst == 0 {
		burst = ""
	}
	if v.Type == expr.LimitTypePktBytes {
		rate, burst = quantity(v.Rate), " burst "+quantity(uint64(v.Burst))
		if v.Burst == 0 {
			burst = ""
		}
	}
	return "limit rate " + over(v.Over) + rate + "/" + limitUnits[v.Unit] + burst
}

// quantity returns a number of bytes in the largest unit that divides it.
func quantity(bytes uint64) string {
	units := []string{"bytes", "kbytes", "mbytes"}
	unit := 0
	for bytes != 0 && bytes%1024 == 0 && unit < len(units)-1 {
		bytes, unit = bytes/1024, unit+1
	}
	return fmt.Sprintf("%d %s", bytes, units[unit])
}

var logLevels = []string{"emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", "audit"}

func logging(v *expr.Log) string {
	parts := []string{"log"}
	has := func(attribute int) bool { return v.Key&(1<<attribute) != 0 }
	if has(unix.NFTA_LOG_PREFIX) && len(v.Data) > 0 {
		parts = append(parts, `prefix "`+string(v.Data)+`"`)
	}
	if has(unix.NFTA_LOG_GROUP) {
		parts = append(parts, fmt.Sprintf("group %d", v.Group))
	}
	if has(unix.NFTA_LOG_SNAPLEN) && v.Snaplen != 0 {
		parts = append(parts, fmt.Sprintf("snaplen %d", v.Snaplen))
	}
	if has(unix.NFTA_LOG_QTHRESHOLD) && v.QThreshold != 0 {
		parts = append(parts, fmt.Sprintf("queue-threshold %d", v.QThreshold))
	}
	if has(unix.NFTA_LOG_LEVEL) && !has(unix.NFTA_LOG_GROUP) && v.Level != expr.LogLevelWarning && int(v.Level) < len(logLevels) {
		parts = append(parts, "level "+logLevels[v.Level])
	}
	if has(unix.NFTA_LOG_FLAGS) && v.Flags != 0 {
		parts = append(parts, logFlags(v.Flags))
	}
	return strings.Join(parts, " ")
}

func logFlags(f expr.LogFlags) string {
	if f&expr.LogFlagsMask == expr.LogFlagsMask {
		return "flags all"
	}
	var all []string
	switch sequence, options := f&expr.LogFlagsTCPSeq != 0, f&expr.LogFlagsTCPOpt != 0; {
	case sequence && options:
		all = append(all, "flags tcp sequence,options")
	case sequence:
		all = append(all, "flags tcp sequence")
	case options:
		all = append(all, "flags tcp options")
	}
	for _, other := range []struct {
		flag expr.LogFlags
		name string
	}{{expr.LogFlagsIPOpt, "flags ip options"}, {expr.LogFlagsUID, "flags skuid"}, {expr.LogFlagsMACDecode, "flags ether"}} {
		if f&other.flag != 0 {
			all = append(all, other.name)
		}
	}
	return strings.Join(all, " ")
}

var (
	icmpCodes = map[uint8]string{
		0: "net-unreachable", 1: "host-unreachable", 2: "prot-unreachable", 3: "port-unreachable", 4: "frag-needed", 9: "net-prohibited", 10: "host-prohibited", 13: "admin-prohibited",
	}
	icmp6Codes = map[uint8]string{0: "no-route", 1: "admin-prohibited", 3: "addr-unreachable", 4: "port-unreachable", 5: "policy-fail", 6: "reject-route"}
	icmpxCodes = map[uint8]string{0: "no-route", 1: "port-unreachable", 2: "host-unreachable", 3: "admin-prohibited"}
)

// reject writes a reject statement. nft does not print port-unreachable where it is the default.
func (p *printer) reject(v *expr.Reject) {
	kind, codes := "icmpx", icmpxCodes
	switch v.Type {
	case unix.NFT_REJECT_TCP_RST:
		p.uses(&operand{needs: []string{networkLayer}})
		p.add("reject with tcp reset")
		return
	case unix.NFT_REJECT_ICMP_UNREACH:
		kind, codes = "icmp", icmpCodes
		if p.network == "ipv6" {
			kind, codes = "icmpv6", icmp6Codes
		}
		p.uses(&operand{needs: []string{networkLayer}})
	}
	name, ok := codes[v.Code]
	switch {
	case p.network != "ipv4" && p.network != "ipv6" && kind != "icmpx" || !ok:
		p.giveUp("reject")
	case name == "port-unreachable" && (kind == "icmpx" || networkOf(p.family) != ""):
		p.add("reject")
	default:
		p.add("reject with " + kind + " " + name)
	}
}

// match writes a match of iptables-nft.
func (p *printer) match(v *expr.Match) {
	switch info := v.Info.(type) {
	case *xt.Comment: // withComment adds it at the end
		return
	case *xt.Tcp:
		if info.Option == 0 && info.FlagsMask == 0 && info.InvFlags == 0 {
			p.ports("tcp", info.SrcPorts, info.DstPorts)
			return
		}
	case *xt.Udp:
		if info.InvFlags == 0 {
			p.ports("udp", info.SrcPorts, info.DstPorts)
			return
		}
	}
	p.add("[match " + v.Name + "]")
	p.complete = false
}

// ports writes the port ranges in the match of a protocol.
func (p *printer) ports(protocol string, source, destination [2]uint16) {
	for _, side := range []struct {
		name  string
		ports [2]uint16
	}{{"sport", source}, {"dport", destination}} {
		text := fmt.Sprint(side.ports[0])
		switch side.ports {
		case [2]uint16{0, 65535}:
			continue
		default:
			if side.ports[0] != side.ports[1] {
				text += fmt.Sprintf("-%d", side.ports[1])
			}
		}
		p.uses(&operand{needs: []string{transportLayer}})
		p.add(protocol + " " + side.name + " " + text)
	}
}
