// SPDX-License-Identifier: Apache-2.0

package rdonly

import "testing"

func TestCall(t *testing.T) {
	c := Cast{Func: 4711}
	if call := c.Call(); !call.IsKfuncCall() || call.Constant != 4711 {
		t.Errorf("%v (constant %d), want a call of the kernel function with BTF id 4711", call, call.Constant)
	}
}
