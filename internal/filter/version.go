// SPDX-License-Identifier: Apache-2.0

package filter

import "tracer/libpcap"

// Library names the library that compiles expressions, with its version.
func Library() string { return libpcap.Version() }
