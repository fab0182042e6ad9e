// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"strings"

	"tracer/internal/complete"
	"tracer/internal/plan"

	"github.com/spf13/pflag"
)

func (o *options) filterFlags(fs *pflag.FlagSet) {
	c := &o.config
	fs.Var(list(&c.Netns), "filter-netns", "trace only in these network namespaces: name, /path, inode:N or pid:N; !name excludes")
	fs.Var(list(&c.Ifnames), "filter-ifname", "trace only on these interfaces, such as eth0, veth*, !lo")
	fs.Var(checked(&c.Mark, checkMark), "filter-mark", "trace only packets with this `MARK[/MASK]`, decimal or with 0x")
	fs.Var(list(&c.Owners.PIDs), "filter-pid", "trace only packets of the processes with these IDs")
	fs.Var(list(&c.Owners.Comms), "filter-comm", "trace only packets of processes with these names, such as nginx*")
	fs.Var(list(&c.Owners.Cgroups), "filter-cgroup", "trace only packets of processes in these control groups: path or ID")
	fs.StringVar(&c.Plan.SkbExpr, "filter-skb-expr", "", "trace only packets that meet this C-like `CONDITION`, such as 'skb->len > 1500'")
	o.xdpFilterFlags(fs)
	fs.StringVar(&c.TunnelL2, "filter-tunnel-pcap-l2", "", "trace only tunnel packets whose inner Ethernet frame matches this pcap `FILTER`")
	fs.StringVar(&c.TunnelL3, "filter-tunnel-pcap-l3", "", "trace only tunnel packets whose inner IP packet matches this pcap `FILTER`")
	fs.Var(portsValue{&c.Plan.Ports.VXLAN}, "vxlan-ports", "UDP ports of VXLAN (default 4789,4790,8472)")
	fs.Var(portsValue{&c.Plan.Ports.Geneve}, "geneve-ports", "UDP ports of Geneve (default 6081)")
}

func (o *options) filterOffers() offers {
	return offers{
		"filter-netns":          listOf(negated(netnsOffer)),
		"filter-ifname":         listOf(negated(o.interfacesOffer)),
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
	}
}

// netnsOffer completes each form in which a namespace can be named.
func netnsOffer(word string) []complete.Word {
	kind, _, _ := strings.Cut(word, ":")
	switch {
	case strings.HasPrefix(word, "/"):
		return aFile(word)
	case kind == "pid" && kind != word:
		return behind("pid:", complete.Processes())
	case kind == "inode" && kind != word:
		return behind("inode:", complete.NetnsInodes())
	}
	return append(complete.Netns(), complete.Word{Text: "pid:", Help: "namespace of a process"}, complete.Word{Text: "inode:", Help: "namespace with this inode number"})
}

// interfacesOffer completes interfaces of the namespaces that --filter-netns names.
func (o *options) interfacesOffer(string) []complete.Word {
	var asked []string
	for _, spec := range o.config.Netns {
		if !strings.HasPrefix(spec, "!") {
			asked = append(asked, spec)
		}
	}
	return complete.Interfaces(asked)
}

// cgroupsOffer completes one directory level at a time.
func cgroupsOffer(word string) []complete.Word {
	return complete.Cgroups(word[:strings.LastIndex(word, "/")+1])
}

func checkMark(value string) error {
	if _, err := plan.ParseMark(value); err != nil {
		return errors.New("not a mark: want a 32-bit number, decimal or with 0x, optionally with /MASK")
	}
	return nil
}
