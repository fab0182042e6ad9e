// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// RunOnFrame runs an XDP program on a frame that has no sk_buff, and does with the frame what the verdict says, as a
// driver does (5.18). The frame's device is lo.
func RunOnFrame(n *Netns, p *ebpf.Program, frame []byte) error {
	return n.Do(func() error {
		_, err := p.Run(&ebpf.RunOptions{Data: frame, Flags: unix.BPF_F_TEST_XDP_LIVE_FRAMES, Repeat: 1})
		return err
	})
}
