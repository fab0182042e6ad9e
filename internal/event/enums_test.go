// SPDX-License-Identifier: Apache-2.0

package event

import "testing"

// TestStoredEnumsKeepTheirNumbers checks the numbers that files contain. A new constant takes the next free
// number. Package stream compares the enums that also exist in C with those of C.
func TestStoredEnumsKeepTheirNumbers(t *testing.T) {
	for name, c := range map[string]struct{ got, want int }{
		"Function":       {int(Function), 1},
		"Tracepoint":     {int(Tracepoint), 2},
		"Return":         {int(Return), 3},
		"Program":        {int(Program), 4},
		"Verdict":        {int(Verdict), 5},
		"Looked":         {int(Looked), 6},
		"Lost":           {int(Lost), 7},
		"Summary":        {int(Summary), 8},
		"NoResult":       {int(NoResult), 0},
		"SignedResult":   {int(SignedResult), 1},
		"UnsignedResult": {int(UnsignedResult), 2},
		"PointerResult":  {int(PointerResult), 3},
		"Unread":         {int(Unread), 0},
		"WordFact":       {int(WordFact), 1},
		"WordsFact":      {int(WordsFact), 2},
		"NumberFact":     {int(NumberFact), 3},
		"RingFull":       {int(RingFull), 0},
		"NoPacket":       {int(NoPacket), 0},
		"IPv4":           {int(IPv4), 1},
		"IPv6":           {int(IPv6), 2},
		"ARP":            {int(ARP), 3},
		"OtherNetwork":   {int(OtherNetwork), 4},
		"Netlink":        {int(Netlink), 5},
		"Unix":           {int(Unix), 6},
		"OtherSocket":    {int(OtherSocket), 7},
		"LLC":            {int(LLC), 8},
		"VXLANGPE":       {int(VXLANGPE), 6},
		"SameStack":      {int(SameStack), 9},
		"FirstQuoted":    {int(FirstQuoted), 5},
		"Ebtables":       {int(Ebtables), 3},
		"MapDelete":      {int(MapDelete), 3},
	} {
		if c.got != c.want {
			t.Errorf("%s is %d, but %d in stored events", name, c.got, c.want)
		}
	}
}
