// SPDX-License-Identifier: Apache-2.0

package result

import (
	"fmt"
	"regexp"
	"syscall"

	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
)

// words are names by value; what is not among them may be an errno.
type words map[int64]string

func (w words) name(value int64) string {
	if name, ok := w[value]; ok {
		return name
	}
	return errno(value)
}

// These are macros in the kernel, of which its BTF knows nothing.
var (
	// receive is what handlers of received packets return (include/linux/netdevice.h).
	receive = words{0: "NET_RX_SUCCESS", 1: "NET_RX_DROP"}
	// transmit is what queueing a packet returns (include/linux/netdevice.h,
	// include/net/sch_generic.h). The last two are flags of a queue to its parent.
	transmit = words{
		0: "NET_XMIT_SUCCESS", 1: "NET_XMIT_DROP", 2: "NET_XMIT_CN",
		0x10000: "NET_XMIT_STOLEN", 0x20000: "NET_XMIT_BYPASS",
	}
	// hooks is what going through all hooks of a place returns: a verdict of its own,
	// where anything negative is the error of a drop (net/netfilter/core.c).
	hooks = words{1: "NF_ACCEPT", 0: "NF_STOLEN"}
	// action is what traffic control does with a packet (include/uapi/linux/pkt_cls.h).
	action = words{
		-1: "TC_ACT_UNSPEC", 0: "TC_ACT_OK", 1: "TC_ACT_RECLASSIFY", 2: "TC_ACT_SHOT", 3: "TC_ACT_PIPE",
		4: "TC_ACT_STOLEN", 5: "TC_ACT_QUEUED", 6: "TC_ACT_REPEAT", 7: "TC_ACT_REDIRECT", 8: "TC_ACT_TRAP",
	}
	// verdicts are those of one hook (include/uapi/linux/netfilter.h).
	verdicts = words{0: "NF_DROP", 1: "NF_ACCEPT", 2: "NF_STOLEN", 3: "NF_QUEUE", 4: "NF_REPEAT", 5: "NF_STOP"}
)

// named are functions whose results have names that no prototype tells.
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

// namesOf finds the names of the numbers that f returns.
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
	// bypass has packets go on where nobody listens to the queue.
	bypass = 0x8000
)

// verdict is one of a netfilter hook, with the queue or the error in its upper half.
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

// mostErrno is the highest number that the kernel uses for an error (MAX_ERRNO).
const mostErrno = 4095

// inside are errors that the kernel keeps to itself (include/linux/errno.h).
var inside = words{512: "ERESTARTSYS", 513: "ERESTARTNOINTR", 517: "EPROBE_DEFER", 519: "ENOPARAM", 524: "ENOTSUPP", 529: "EIOCBQUEUED", 530: "ERECALLCONFLICT"}

// errno names -1 to -4095, as far as they have names.
func errno(value int64) string {
	if value >= 0 || value < -mostErrno {
		return ""
	}
	if name, ok := inside[-value]; ok {
		return name
	}
	return unix.ErrnoName(syscall.Errno(-value))
}
