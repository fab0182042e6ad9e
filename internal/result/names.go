// SPDX-License-Identifier: Apache-2.0

package result

import (
	"fmt"
	"regexp"
	"syscall"

	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
)

// words maps values to names. A value that is not in the map may be an errno.
type words map[int64]string

func (w words) name(value int64) string {
	if name, ok := w[value]; ok {
		return name
	}
	return errno(value)
}

// These are macros in the kernel, so BTF does not have them.
var (
	// receive are the results of handlers of received packets (include/linux/netdevice.h).
	receive = words{0: "NET_RX_SUCCESS", 1: "NET_RX_DROP"}
	// transmit are the results of queueing a packet (include/linux/netdevice.h,
	// include/net/sch_generic.h). The last two are flags from a queueing discipline to its parent.
	transmit = words{
		0: "NET_XMIT_SUCCESS", 1: "NET_XMIT_DROP", 2: "NET_XMIT_CN",
		0x10000: "NET_XMIT_STOLEN", 0x20000: "NET_XMIT_BYPASS",
	}
	// hooks are the results of nf_hook_slow, which runs all functions of a hook. The result is 0 also if
	// the packet was queued, and a negative errno if it was dropped (net/netfilter/core.c).
	hooks = words{1: "NF_ACCEPT", 0: "NF_STOLEN"}
	// action are the actions of traffic control (include/uapi/linux/pkt_cls.h).
	action = words{
		-1: "TC_ACT_UNSPEC", 0: "TC_ACT_OK", 1: "TC_ACT_RECLASSIFY", 2: "TC_ACT_SHOT", 3: "TC_ACT_PIPE",
		4: "TC_ACT_STOLEN", 5: "TC_ACT_QUEUED", 6: "TC_ACT_REPEAT", 7: "TC_ACT_REDIRECT", 8: "TC_ACT_TRAP",
	}
	// verdicts are the results of one hook function (include/uapi/linux/netfilter.h).
	verdicts = words{0: "NF_DROP", 1: "NF_ACCEPT", 2: "NF_STOLEN", 3: "NF_QUEUE", 4: "NF_REPEAT", 5: "NF_STOP"}
)

// named are functions whose results have names that don't follow from the prototype.
var named = []struct {
	functions *regexp.Regexp
	name      func(int64) string
}{
	{kernel.MustWholeName(`nf_hook_slow`), hooks.name},
	{kernel.MustWholeName(`nf_conntrack_in|__nf_conntrack_confirm|nf_confirm|nf_nat_packet|nft_do_chain|ip6?t_do_table|arpt_do_table`), verdict},
	{kernel.MustWholeName(`tcf_classify|tcf_classify_ingress|tcf_action_exec|tcf_.*_act|cls_bpf_classify`), action.name},
	{kernel.MustWholeName(`(__)?dev_queue_xmit(_.*)?|(__)?dev_direct_xmit|neigh_.*output|ip6?_finish_output2`), transmit.name},
	{kernel.MustWholeName(`(__)?netif_receive_skb(_.*)?|(__)?netif_rx(_.*)?|enqueue_to_backlog`), receive.name},
	{kernel.MustWholeName(`(ip|ip6|ipv6|arp)_rcv(_.*)?|ip_local_deliver(_finish)?|ip6_input(_finish)?|ip6?_forward(_finish)?|icmp(v6)?_rcv`), receive.name},
}

// namesOf returns the function that names the results of f; nil if they have no names.
func namesOf(f kernel.Function) func(int64) string {
	switch f.Result.Form {
	case kernel.HookForm:
		return verdict
	case kernel.ReceiverForm:
		return receive.name
	case kernel.EnqueueForm:
		return transmit.name
	}
	for _, n := range named {
		if n.functions.MatchString(f.Name) {
			return n.name
		}
	}
	if f.Result.Class == kernel.Unsigned {
		return nil
	}
	return errno
}

const (
	verdictMask = 0xff
	queue       = 3
	// bypass means that packets continue at the next hook function if no process reads the queue
	// (NF_VERDICT_FLAG_QUEUE_BYPASS).
	bypass = 0x8000
)

// verdict names a result of a netfilter hook function. Its upper 16 bits are the number of the queue or
// an errno.
func verdict(value int64) string {
	name, ok := verdicts[value&verdictMask]
	if !ok {
		return ""
	}
	upper := uint32(value) >> 16
	switch {
	case value&verdictMask == queue && value&bypass != 0:
		return fmt.Sprintf("%s:%d:bypass", name, upper)
	case value&verdictMask == queue:
		return fmt.Sprintf("%s:%d", name, upper)
	case upper == 0:
		return name
	}
	if e := errno(-int64(upper)); e != "" {
		return name + ":" + e
	}
	return fmt.Sprintf("%s:%d", name, upper)
}

// mostErrno is the highest error number of the kernel (MAX_ERRNO).
const mostErrno = 4095

// internal are the names of errors that never reach user space (include/linux/errno.h).
var internal = words{512: "ERESTARTSYS", 513: "ERESTARTNOINTR", 517: "EPROBE_DEFER", 519: "ENOPARAM", 524: "ENOTSUPP", 529: "EIOCBQUEUED", 530: "ERECALLCONFLICT"}

// errno returns the name of the errors -1 to -4095; empty if there is none.
func errno(value int64) string {
	if value >= 0 || value < -mostErrno {
		return ""
	}
	if name, ok := internal[-value]; ok {
		return name
	}
	return unix.ErrnoName(syscall.Errno(-value))
}
