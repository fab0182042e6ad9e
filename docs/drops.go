// SPDX-License-Identifier: Apache-2.0

package docs

import _ "embed"

// Drops is drops.md: the causes of drops, with the kernels that cannot tell them, and why.
//
//go:embed drops.md
var Drops string
