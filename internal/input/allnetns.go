// SPDX-License-Identifier: Apache-2.0

package input

import "slices"

// AllNetns returns the inode numbers and a path of at most most network namespaces that have a name or a process. It skips
// those that this process may not inspect.
func AllNetns(most int) map[uint32]string {
	all := map[uint32]string{}
	for _, path := range slices.Concat(namedNetnsPaths(), []string{"/proc/self/ns/net"}, processNetnsPaths()) {
		if len(all) >= most {
			break
		}
		inode, _, err := netnsOfPath(path)
		if _, seen := all[inode]; err == nil && !seen {
			all[inode] = path
		}
	}
	return all
}
