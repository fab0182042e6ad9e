// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"tracer/internal/printable"
)

// retprobeFormat is a file with the number of the bit of perf_event_attr.config that makes a kprobe a kretprobe.
const retprobeFormat = "/sys/bus/event_source/devices/kprobe/format/retprobe"

var errNoRetprobe = errors.New("the kernel's perf events have no kretprobes (Linux 4.17)")

// RetprobeBit returns the bit of perf_event_attr.config that makes a kprobe a kretprobe.
func RetprobeBit() (uint64, error) {
	text, err := os.ReadFile(retprobeFormat)
	if err != nil {
		return 0, errNoRetprobe
	}
	return parseConfigBit(string(text))
}

// parseConfigBit parses the number of a bit, as in `config:0`, and returns the bit.
func parseConfigBit(text string) (uint64, error) {
	number, ok := strings.CutPrefix(strings.TrimSpace(text), "config:")
	bit, err := strconv.ParseUint(number, 10, 6)
	if !ok || err != nil {
		return 0, fmt.Errorf("%s: %s is not a bit of config", retprobeFormat, printable.Quote(text))
	}
	return 1 << bit, nil
}

// trampolines are the functions through which a function returns while its return is probed, by their names in
// various kernels.
var trampolines = []string{
	"return_to_handler", "kretprobe_trampoline", "__kretprobe_trampoline", "arch_rethook_trampoline",
}

// Trampolines returns the addresses of the trampolines that this kernel has.
func (s *Symbols) Trampolines() []uint64 {
	var found []uint64
	for _, name := range trampolines {
		found = append(found, s.Addresses(name, "")...)
	}
	return found
}
