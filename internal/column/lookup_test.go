// SPDX-License-Identifier: Apache-2.0

package column

import (
	"testing"

	"tracer/internal/event"
)

func TestLookup(t *testing.T) {
	asked := []event.Fact{
		{Key: "iif", Kind: event.NumberFact, Text: []byte("0"), Usual: true},
		{Key: "dst", Kind: event.WordFact, Text: []byte("10.9.0.2")},
		{Key: "table", Kind: event.NumberFact, Text: []byte("main"), Number: 254},
	}
	found := []event.Fact{
		{Key: "state", Kind: event.WordsFact, Text: []byte("STALE|0x100")},
		{Key: "dev", Kind: event.WordFact, Text: []byte("a-b")},
		{Key: "mtu"},
	}
	const key = `"asked":{"iif":0,"dst":"10.9.0.2","table":254}`
	for _, test := range []struct {
		lookup        event.Lookup
		text, members string
	}{
		{event.Lookup{}, "-", "null"},
		{
			event.Lookup{Kind: "route", Asked: asked, Found: found},
			`route:dst=10.9.0.2,table=main->state=STALE|0x100,dev=a-b,mtu=?`,
			`{"kind":"route",` + key + `,"error":null,"found":{"state":["STALE","0x100"],"dev":"a-b","mtu":null},"unread":false}`,
		},
		{
			event.Lookup{Kind: "route", Asked: asked, Missing: true, Error: "ENETUNREACH"},
			"route:dst=10.9.0.2,table=main->ENETUNREACH",
			`{"kind":"route",` + key + `,"error":"ENETUNREACH","found":null,"unread":false}`,
		},
		{
			event.Lookup{Kind: "socket", Asked: asked[:1], Missing: true},
			"socket->none", `{"kind":"socket","asked":{"iif":0},"error":null,"found":null,"unread":false}`,
		},
		{event.Lookup{Kind: "qdisc", Unknown: true}, "qdisc->?", `{"kind":"qdisc","asked":{},"error":null,"found":null,"unread":true}`},
	} {
		e := event.Event{Kind: event.Looked, Lookup: &test.lookup}
		checkCell(t, "lookup", e, test.text, test.members)
	}
}
