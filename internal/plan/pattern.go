// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"encoding/binary"
	"strings"

	"tracer/internal/bpf"
)

// nameSize is the size in bytes of the kernel's names of devices and threads (IFNAMSIZ, TASK_COMM_LEN).
const nameSize = 16

// pattern returns a pattern that matches a whole name, including the NULs after it, or with a trailing *
// its beginning.
func pattern(name string) bpf.NamePattern {
	begin, isBegin := strings.CutSuffix(name, "*")
	compared := nameSize
	if isBegin {
		compared = min(len(begin), nameSize)
	}
	var bytes, mask [nameSize]byte
	copy(bytes[:], begin)
	for i := range compared {
		mask[i] = 0xff
	}
	return bpf.NamePattern{Name: words(bytes), Mask: words(mask)}
}

func words(b [nameSize]byte) [2]uint64 {
	return [2]uint64{binary.NativeEndian.Uint64(b[:8]), binary.NativeEndian.Uint64(b[8:])}
}

// matchesPattern reports whether a name matches a pattern. It compares the bits under the mask, as the BPF
// programs do.
func matchesPattern(p bpf.NamePattern, name string) bool {
	var bytes [nameSize]byte
	copy(bytes[:], name)
	n := words(bytes)
	return (n[0]^p.Name[0])&p.Mask[0]|(n[1]^p.Name[1])&p.Mask[1] == 0
}
