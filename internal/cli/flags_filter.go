// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strings"

	"tracer/internal/complete"
	"tracer/internal/plan"

	"github.com/spf13/pflag"
)

func filterFlags(fs *pflag.FlagSet, o *options) {
	c := &o.config
	fs.Var(checked(&c.Func, checkRegexp), "filter-func", "only functions whose whole name matches the RE2 `REGEXP`,\nwith "+strings.Join(plan.PresetNames(), " "))
	fs.Var(checked(&c.FuncExclude, checkRegexp), "filter-func-exclude", "no functions whose whole name matches this `REGEXP`")
	fs.Var(patterns(&c.Others), "filter-non-skb-funcs", "also these functions without an skb, a list of names or\n`REGEXPS`, where they run for a packet")
	fs.BoolVar(&c.Helpers, "filter-track-bpf-helpers", false, "also what BPF programs call for a packet: helpers")
	fs.Var(list(&c.Netns), "filter-netns", "only in namespaces: /path, name, inode:N, pid:N; ! negates")
	fs.Var(list(&c.Ifnames), "filter-ifname", "only at these interfaces, such as eth0 or veth*; ! negates")
	fs.Var(checked(&c.Mark, checkMark), "filter-mark", "only packets with this `MARK[/MASK]`, decimal or with 0x")
	fs.Var(list(&c.Owners.PIDs), "filter-pid", "only packets of these processes")
	fs.Var(list(&c.Owners.Comms), "filter-comm", "only packets of processes of these names, such as nginx*")
	fs.Var(list(&c.Owners.Cgroups), "filter-cgroup", "only packets of these control groups: path or id")
	fs.StringVar(&c.SkbExpr, "filter-skb-expr", "", "only packets that meet this C-like `CONDITION` on skb->…")
	xdpFilterFlags(fs, o)
	fs.StringVar(&c.TunnelL2, "filter-tunnel-pcap-l2", "", "only tunnels whose inner Ethernet frame matches this `FILTER`")
	fs.StringVar(&c.TunnelL3, "filter-tunnel-pcap-l3", "", "only tunnels whose inner IP packet matches this `FILTER`")
	fs.Var(portsValue{&c.Ports.VXLAN}, "vxlan-ports", "UDP ports of VXLAN (default 4789,8472)")
	fs.Var(portsValue{&c.Ports.Geneve}, "geneve-ports", "UDP ports of Geneve (default 6081)")
	fs.Var(list(&c.Drops.Reasons), "filter-drop-reason", "only drops for these reasons, such as NO_SOCKET; ! negates")
}

var filterOffers = offers{
	"filter-func":           functionsOffer,
	"filter-func-exclude":   functionsOffer,
	"filter-non-skb-funcs":  inside(",|(", func(word string, _ *options) []complete.Word { return complete.AllFunctions(word) }),
	"filter-netns":          listOf(negated(netnsOffer)),
	"filter-ifname":         listOf(negated(interfacesOffer)),
	"filter-mark":           anything,
	"filter-pid":            listOf(seen(complete.Processes)),
	"filter-comm":           listOf(seen(complete.Commands)),
	"filter-cgroup":         listOf(cgroupsOffer),
	"filter-skb-expr":       anything,
	xdpExpr:                 anything,
	"filter-tunnel-pcap-l2": filterOffer,
	"filter-tunnel-pcap-l3": filterOffer,
	"vxlan-ports":           anything,
	"geneve-ports":          anything,
	"filter-drop-reason":    listOf(negated(reasonsOffer)),
}

// functionsOffer is for the last name in a regular expression.
var functionsOffer = inside("|(", sum(oneOf(plan.PresetNames()...), seen(complete.Functions)))

// netnsOffer is for each of the ways to tell a namespace.
func netnsOffer(word string, _ *options) []complete.Word {
	kind, _, _ := strings.Cut(word, ":")
	switch {
	case strings.HasPrefix(word, "/"):
		return aFile(word, nil)
	case kind == "pid" && kind != word:
		return behind("pid:", complete.Processes())
	case kind == "inode" && kind != word:
		return behind("inode:", complete.NetnsInodes())
	}
	return append(complete.Netns(), complete.Word{Text: "pid:", Help: "that of a process"}, complete.Word{Text: "inode:", Help: "the one of this number"})
}

// interfacesOffer is for those of the namespaces that were asked for.
func interfacesOffer(_ string, o *options) []complete.Word {
	var asked []string
	for _, spec := range o.config.Netns {
		if !strings.HasPrefix(spec, "!") {
			asked = append(asked, spec)
		}
	}
	return complete.Interfaces(asked)
}

// cgroupsOffer goes from folder to folder.
func cgroupsOffer(word string, _ *options) []complete.Word {
	return complete.Cgroups(word[:strings.LastIndex(word, "/")+1])
}

// reasonsOffer is for the names as they are usually typed, and as the kernel has them.
func reasonsOffer(word string, _ *options) []complete.Word {
	long := complete.Reasons()
	if strings.HasPrefix(word, "SKB_") {
		return plain(long)
	}
	return plain(plan.ShortReasons(long))
}

// checkRegexp looks at the expression as the user wrote it, so that an error
// quotes that and not what the expression becomes.
func checkRegexp(value string) error {
	_, err := syntax.Parse(value, syntax.Perl)
	var bad *syntax.Error
	if errors.As(err, &bad) {
		return fmt.Errorf("not a regular expression, %s at %q", bad.Code, bad.Expr)
	}
	if err == nil {
		_, err = plan.ExpandPresets(value)
	}
	return err
}

func checkMark(value string) error {
	if _, err := plan.ParseMark(value); err != nil {
		return errors.New("not a mark: want a number of 32 bits, decimal or with 0x, and perhaps /MASK")
	}
	return nil
}
