// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"strconv"
	"strings"

	"tracer/internal/printable"
)

// Mark is a filter on skb->mark: the bits of Mask must be equal to those of Value. A zero Mask matches
// every packet.
type Mark struct{ Value, Mask uint32 }

// ParseMark parses mark[/mask], each decimal, or hexadecimal with 0x. Without a mask, all bits are
// compared.
func ParseMark(s string) (Mark, error) {
	if s == "" {
		return Mark{}, nil
	}
	value, mask, masked := strings.Cut(s, "/")
	m := Mark{Mask: 0xffffffff}
	var err error
	if m.Value, err = parseBits(value); err == nil && masked {
		m.Mask, err = parseBits(mask)
	}
	if err != nil {
		return Mark{}, usageError{
			fmt.Errorf("mark %s: %w", printable.Quote(s), err),
			"a mark is a 32-bit number with an optional mask, such as 0xf00/0xff00",
		}
	}
	return m, nil
}

func parseBits(s string) (uint32, error) {
	digits, hex := strings.CutPrefix(s, "0x")
	base := 10
	if hex {
		base = 16
	}
	v, err := strconv.ParseUint(digits, base, 32)
	if err != nil {
		return 0, fmt.Errorf("%s is not a 32-bit number", printable.Quote(s))
	}
	return uint32(v), nil
}
