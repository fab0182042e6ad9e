// SPDX-License-Identifier: Apache-2.0

// Command tracer shows the path of packets through the running kernel.
package main

import (
	"os"

	"tracer/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) }
