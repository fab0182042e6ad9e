// SPDX-License-Identifier: Apache-2.0

package event

import "testing"

// TestStoredEnumsKeepTheirNumbers checks the numbers that files contain. A new constant takes the next free
// number. Package stream compares the enums that also exist in C with those of C.
func TestStoredEnumsKeepTheirNumbers(t *testing.T) {
	for name, c := range map[string]struct{ got, want int }{
		"Function":        {int(Function), 1},
		"Tracepoint":      {int(Tracepoint), 2},
		"Return":          {int(Return), 3},
		"Program":         {int(Program), 4},
		"Verdict":         {int(Verdict), 5},
		"Looked":          {int(Looked), 6},
		"Lost":            {int(Lost), 7},
		"Summary":         {int(Summary), 8},
		"NoResult":        {int(NoResult), 0},
		"SignedResult":    {int(SignedResult), 1},
		"UnsignedResult":  {int(UnsignedResult), 2},
		"PointerResult":   {int(PointerResult), 3},
		"Unread":          {int(Unread), 0},
		"WordFact":        {int(WordFact), 1},
		"WordsFact":       {int(WordsFact), 2},
		"NumberFact":      {int(NumberFact), 3},
		"RingFull":        {int(RingFull), 0},
		"NoPacket":        {int(NoPacket), 0},
		"IPv4":            {int(IPv4), 1},
		"IPv6":            {int(IPv6), 2},
		"ARP":             {int(ARP), 3},
		"OtherNetwork":    {int(OtherNetwork), 4},
		"Netlink":         {int(Netlink), 5},
		"Unix":            {int(Unix), 6},
		"OtherSocket":     {int(OtherSocket), 7},
		"LLC":             {int(LLC), 8},
		"NoTunnel":        {int(NoTunnel), 0},
		"VXLAN":           {int(VXLAN), 1},
		"Geneve":          {int(Geneve), 2},
		"GRE":             {int(GRE), 3},
		"IPIP":            {int(IPIP), 4},
		"OtherTunnel":     {int(OtherTunnel), 5},
		"VXLANGPE":        {int(VXLANGPE), 6},
		"First":           {int(First), 0},
		"Clone":           {int(Clone), 1},
		"Copy":            {int(Copy), 2},
		"Segment":         {int(Segment), 3},
		"Fragment":        {int(Fragment), 4},
		"Merged":          {int(Merged), 5},
		"Inner":           {int(Inner), 6},
		"Outer":           {int(Outer), 7},
		"FromXDP":         {int(FromXDP), 8},
		"SameStack":       {int(SameStack), 9},
		"FirstUnknown":    {int(FirstUnknown), 0},
		"FirstFollowed":   {int(FirstFollowed), 1},
		"FirstConnection": {int(FirstConnection), 2},
		"FirstTranslated": {int(FirstTranslated), 3},
		"FirstInner":      {int(FirstInner), 4},
		"FirstQuoted":     {int(FirstQuoted), 5},
		"PlainHook":       {int(PlainHook), 0},
		"NFTables":        {int(NFTables), 1},
		"Xtables":         {int(Xtables), 2},
		"Ebtables":        {int(Ebtables), 3},
		"NoMapOperation":  {int(NoMapOperation), 0},
		"MapLookup":       {int(MapLookup), 1},
		"MapUpdate":       {int(MapUpdate), 2},
		"MapDelete":       {int(MapDelete), 3},
	} {
		if c.got != c.want {
			t.Errorf("%s is %d, but %d in stored events", name, c.got, c.want)
		}
	}
}
