// SPDX-License-Identifier: Apache-2.0

package input

import "testing"

func TestPatterns(t *testing.T) {
	for _, good := range []string{"a", "eth0", "eth*", "*", "fifteen-bytes-0", "fifteen-bytes-0*"} {
		if err := CheckIfname(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	const long = "longer than 15 bytes, the limit of the kernel"
	checkInput(t, CheckIfname(""), `interface "": empty name`, "give a name")
	checkInput(t, CheckIfname("sixteen-bytes-00"), `interface "sixteen-bytes-00": `+long, "the first 15 bytes are sixteen-bytes-0")
	checkInput(t, CheckCommand("sixteen-bytes-00*"), `command "sixteen-bytes-00*": `+long, "the first 15 bytes are sixteen-bytes-0")
}
