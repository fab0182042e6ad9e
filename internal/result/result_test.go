// SPDX-License-Identifier: Apache-2.0

package result

import (
	"testing"

	"tracer/internal/event"
	"tracer/internal/kernel"
)

var (
	number  = kernel.Result{Class: kernel.Signed, Size: 4}
	natural = kernel.Result{Class: kernel.Unsigned, Size: 4}
	address = kernel.Result{Class: kernel.Pointer, Size: 8}
	truths  = kernel.Result{Class: kernel.Bool, Size: 1}
	hook    = kernel.Result{Class: kernel.Unsigned, Size: 4, Form: kernel.HookForm}
	handler = kernel.Result{Class: kernel.Signed, Size: 4, Form: kernel.ReceiverForm}
	enqueue = kernel.Result{Class: kernel.Signed, Size: 4, Form: kernel.EnqueueForm}
	device  = kernel.Result{Class: kernel.Signed, Size: 4, Names: map[int64]string{0: "NETDEV_TX_OK", 16: "NETDEV_TX_BUSY"}}
)

func signed(value int64, name string) event.Result {
	return event.Result{Class: event.SignedResult, Value: uint64(value), Name: name}
}

func unsigned(value uint64, name string) event.Result {
	return event.Result{Class: event.UnsignedResult, Value: value, Name: name}
}

func pointed(value uint64, name string) event.Result {
	return event.Result{Class: event.PointerResult, Value: value, Name: name}
}

func TestRead(t *testing.T) {
	const dirty = 0xabcdef00_00000000 // the bits above an int are undefined
	for _, test := range []struct {
		function string
		result   kernel.Result
		register uint64
		want     event.Result
	}{
		{"kfree_skb", kernel.Result{}, 77, event.Result{}},
		{"any", number, dirty, signed(0, "")},
		{"any", number, dirty | 5, signed(5, "")},
		{"any", number, dirty | 0xfffffffe, signed(-2, "ENOENT")},
		{"any", number, 0xfffffdf4, signed(-524, "ENOTSUPP")},
		{"any", number, 0xfffff000, signed(-4096, "")},
		{"any", kernel.Result{Class: kernel.Signed, Size: 8}, ^uint64(0), signed(-1, "EPERM")},
		{"any", kernel.Result{Class: kernel.Signed, Size: 8}, 1 << 40, signed(1<<40, "")},
		{"any", natural, dirty | 0xfffffffe, unsigned(0xfffffffe, "")},
		{"any", kernel.Result{Class: kernel.Unsigned, Size: 2}, 0x12345, unsigned(0x2345, "")},
		{"any", truths, dirty | 0xff00, unsigned(0, "false")},
		{"any", truths, dirty | 0xff01, unsigned(1, "true")},
		{"skb_clone", address, 0, pointed(0, "NULL")},
		{"skb_clone", address, 0xffff888004a7e100, pointed(0xffff888004a7e100, "")},
		{"skb_segment", address, ^uint64(0) - 21, pointed(^uint64(0)-21, "EINVAL")},

		{"loopback_xmit", device, 16, signed(16, "NETDEV_TX_BUSY")},
		{"loopback_xmit", device, 0xfffffff4, signed(-12, "ENOMEM")},

		{"some_hook", hook, 0, unsigned(0, "NF_DROP")},
		{"some_hook", hook, dirty | 1, unsigned(1, "NF_ACCEPT")},
		{"some_hook", hook, 2, unsigned(2, "NF_STOLEN")},
		{"some_hook", hook, 4, unsigned(4, "NF_REPEAT")},
		{"some_hook", hook, 5, unsigned(5, "NF_STOP")},
		{"some_hook", hook, 6, unsigned(6, "")},
		{"some_hook", hook, 3, unsigned(3, "NF_QUEUE:0")},
		{"some_hook", hook, 7<<16 | 3, unsigned(7<<16|3, "NF_QUEUE:7")},
		{"some_hook", hook, 7<<16 | 0x8003, unsigned(7<<16|0x8003, "NF_QUEUE:7:bypass")},
		{"some_hook", hook, 1 << 16, unsigned(1<<16, "NF_DROP:EPERM")},
		{"some_hook", hook, 113<<16 | 2, unsigned(113<<16|2, "NF_STOLEN:EHOSTUNREACH")},
		{"some_hook", hook, 0xffff << 16, unsigned(0xffff<<16, "NF_DROP:65535")},
		{"nft_do_chain", natural, 0, unsigned(0, "NF_DROP")},
		{"nf_conntrack_in", natural, 1, unsigned(1, "NF_ACCEPT")},
		{"nf_hook_slow", number, 1, signed(1, "NF_ACCEPT")},
		{"nf_hook_slow", number, 0, signed(0, "NF_STOLEN")},
		{"nf_hook_slow", number, 0xffffffff, signed(-1, "EPERM")},

		{"my_rcv", handler, 1, signed(1, "NET_RX_DROP")},
		{"ip_local_deliver", number, 0, signed(0, "NET_RX_SUCCESS")},
		{"netif_receive_skb_list", number, 0, signed(0, "NET_RX_SUCCESS")},
		{"ip_rcv_finish", number, 1, signed(1, "NET_RX_DROP")},
		{"my_enqueue", enqueue, 1, signed(1, "NET_XMIT_DROP")},
		{"my_enqueue", enqueue, 0x10000, signed(0x10000, "NET_XMIT_STOLEN")},
		{"__dev_queue_xmit", number, 2, signed(2, "NET_XMIT_CN")},
		{"__dev_queue_xmit", number, 0xffffff97, signed(-105, "ENOBUFS")},
		{"tcf_classify", number, 2, signed(2, "TC_ACT_SHOT")},
		{"tcf_classify", number, 0xffffffff, signed(-1, "TC_ACT_UNSPEC")},
		{"skb_copy_bits", number, 1, signed(1, "")},
	} {
		m := Of(kernel.Function{Name: test.function, Result: test.result})
		if got := m.Read(test.register); got != test.want {
			t.Errorf("%s, %#x: %+v, want %+v", test.function, test.register, got, test.want)
		}
	}
}
