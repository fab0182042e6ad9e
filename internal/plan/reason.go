// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"tracer/internal/bpf"
	"tracer/internal/nearest"
	"tracer/internal/printable"
)

const reasonPrefix = "SKB_DROP_REASON_"

// errNoReasons is the error on kernels before 5.17.
var errNoReasons = errors.New("this kernel has no drop reasons: Linux 5.17 and newer have them")

// configure looks up the numbers of the reasons. known are the reasons of this kernel.
func (d Drop) configure(c *bpf.Config, known map[uint32]string) error {
	if len(d.Reasons)+len(d.NotReasons) == 0 {
		return nil
	}
	if len(known) == 0 {
		return errNoReasons
	}
	in, err := reasonNumbers(d.Reasons, known)
	if err != nil {
		return err
	}
	out, err := reasonNumbers(d.NotReasons, known)
	if err != nil {
		return err
	}
	if c.ReasonInCount, err = fillReasons(in, &c.ReasonsIn); err != nil {
		return err
	}
	c.ReasonOutCount, err = fillReasons(out, &c.ReasonsOut)
	return err
}

func fillReasons(numbers []uint32, to *[bpf.MaxReasons]uint32) (uint32, error) {
	return fillUpTo(bpf.MaxReasons, "drop reasons", numbers, func(i int, number uint32) { to[i] = number })
}

func reasonNumbers(words []string, known map[uint32]string) ([]uint32, error) {
	var numbers []uint32
	for _, word := range words {
		number, err := reasonNumber(word, known)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, number)
	}
	return numbers, nil
}

// reasonNumber returns the number of a reason. A word that is a number is not checked, since modules that
// are loaded later may add reasons.
func reasonNumber(word string, known map[uint32]string) (uint32, error) {
	if number, err := strconv.ParseUint(word, 0, 32); err == nil {
		return uint32(number), nil
	}
	for number, name := range known {
		if sameReason(word, name) {
			return number, nil
		}
	}
	return 0, unknownReason(word, known)
}

// reasonNamed returns the number of a reason, and whether this kernel has it.
func reasonNamed(word string, known map[uint32]string) (uint32, bool) {
	for number, name := range known {
		if sameReason(word, name) {
			return number, true
		}
	}
	return 0, false
}

func sameReason(word, name string) bool {
	word = strings.ToUpper(word)
	return word == name || word == strings.TrimPrefix(name, reasonPrefix)
}

// ShortReasons returns the names of reasons without the prefix SKB_DROP_REASON_.
func ShortReasons(names []string) []string {
	var short []string
	for _, name := range names {
		short = append(short, strings.TrimPrefix(name, reasonPrefix))
	}
	return short
}

// maxNearReasons is the maximum number of names in a hint.
const maxNearReasons = 6

func unknownReason(word string, known map[uint32]string) error {
	var names []string
	for _, name := range known {
		names = append(names, strings.TrimPrefix(name, reasonPrefix))
	}
	hint := "a reason is a name such as NO_SOCKET or " + reasonPrefix + "NO_SOCKET"
	if near := nearest.Words(strings.TrimPrefix(strings.ToUpper(word), reasonPrefix), names, maxNearReasons); near != nil {
		hint = "did you mean " + strings.Join(near, ", ") + "?"
	}
	return usageError{fmt.Errorf("drop reason %s: this kernel has no reason with that name", printable.Quote(word)), hint}
}
