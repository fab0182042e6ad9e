// SPDX-License-Identifier: Apache-2.0

// Package docs holds those documents that tests run as they stand.
package docs

import _ "embed"

// Problems is problems.md: network problems, each with the command that shows it and the
// rows that it prints.
//
//go:embed problems.md
var Problems string
