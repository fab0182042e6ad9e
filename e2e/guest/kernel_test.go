// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"sync"

	"github.com/cilium/ebpf/btf"
)

// hasReasons says that this kernel gives reasons for drops (5.17), by its types.
var hasReasons = sync.OnceValue(func() bool {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return false
	}
	var enum *btf.Enum
	return spec.TypeByName("skb_drop_reason", &enum) == nil
})

// reasonHere is a reason, or nothing on a kernel without.
func reasonHere(reason string) string {
	if hasReasons() {
		return reason
	}
	return ""
}
