// SPDX-License-Identifier: Apache-2.0

package explain

// families is the table, one file per family. A new cause is one entry there and one test.
var families = []family{route, mtu, neigh, conntrack, netfilter, socket, buffers, tcp, qdisc, deviceFamily, programs, bridge, xfrm, tunnel, packet, silent}
