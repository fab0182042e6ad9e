// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"strings"
	"testing"
)

// TestValuesOfOtherSites checks that a cause uses the values of its own site only, since several sites of a drop have
// keys with the same name.
func TestValuesOfOtherSites(t *testing.T) {
	own := Values{"error": number(113), "forwarding": number(0), "dev": {Text: "own0"}, "dst": {Text: "10.77.2.1"}, "mark": number(0)}
	d := Drop{
		Reason: "IP_INADDRERRORS", Location: "ip_error+0x94", Values: Values{},
		BySite: map[string]Values{"ip_error": own, "ip_forward": {"dev": {Text: "other0"}, "forwarding": number(1)}},
	}
	a := load(t).Explain(&d)
	if a.Cause == nil || a.Cause.ID != "ip-forward-off" || !strings.Contains(a.Text, "own0") || strings.Contains(a.Remedy, "other0") {
		t.Errorf("%+v", a)
	}
	d.BySite = map[string]Values{"ip_forward": own}
	if a := load(t).Explain(&d); a.Cause != nil {
		t.Errorf("cause %s from the values of another site", a.Cause.ID)
	}
}
