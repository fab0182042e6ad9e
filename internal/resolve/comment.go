// SPDX-License-Identifier: Apache-2.0

package resolve

import "strings"

// udataComment is NFTNL_UDATA_RULE_COMMENT.
const udataComment = 0

// commentOf returns the comment in a rule's user data, or "". The kernel does not check what programs write there, and
// the library's function panics on some data, so it is not used.
func commentOf(userdata []byte) string {
	for len(userdata) >= 2 {
		kind, length := userdata[0], int(userdata[1])
		if len(userdata) < 2+length {
			return ""
		}
		if kind == udataComment {
			return strings.TrimRight(string(userdata[2:2+length]), "\x00")
		}
		userdata = userdata[2+length:]
	}
	return ""
}
