// SPDX-License-Identifier: Apache-2.0

package column

import (
	"bytes"
	"strings"
	"testing"

	"tracer/internal/event"
)

func mapCall(operation event.MapOperation, found bool, key, value string) event.Event {
	m := event.MapCall{
		Operation: operation, ID: 12, Type: 1, KeySize: uint32(len(key)), ValueSize: uint32(len(value)),
		Found: found, Key: []byte(key), Value: []byte(value),
	}
	copy(m.Name[:], "flows")
	return event.Event{Map: &m}
}

const mapHead = `"id":12,"name":"flows","map_type":"hash",`

func TestMapCalls(t *testing.T) {
	checkCell(t, "bpfmap", event.Event{}, "-", "null")
	checkCell(t, "bpfmap", mapCall(event.MapLookup, true, "\x01\x02", "\xff"), "lookup:flows#12(hash),key=0102,value=ff",
		`{"operation":"lookup",`+mapHead+`"key_size":2,"value_size":1,"key":"0102","key_truncated":false,"found":true,"value":"ff","value_truncated":false}`)
	checkCell(t, "bpfmap", mapCall(event.MapLookup, false, "\x01", ""), "lookup:flows#12(hash),key=01,not_found",
		`{"operation":"lookup",`+mapHead+`"key_size":1,"value_size":0,"key":"01","key_truncated":false,"found":false,"value":null,"value_truncated":false}`)
	checkCell(t, "bpfmap", mapCall(event.MapUpdate, true, "\x01", "\x00"), "update:flows#12(hash),key=01,value=00",
		`{"operation":"update",`+mapHead+`"key_size":1,"value_size":1,"key":"01","key_truncated":false,"found":null,"value":"00","value_truncated":false}`)
	checkCell(t, "bpfmap", mapCall(event.MapDelete, false, "\x01", ""), "delete:flows#12(hash),key=01",
		`{"operation":"delete",`+mapHead+`"key_size":1,"value_size":0,"key":"01","key_truncated":false,"found":null,"value":null,"value_truncated":false}`)
}

// TestLongMapValues checks that long values are shortened in text, and marked as truncated in JSON if
// the record does not have all bytes.
func TestLongMapValues(t *testing.T) {
	e := mapCall(event.MapUpdate, true, strings.Repeat("k", fewBytes), strings.Repeat("v", fewBytes+1))
	text, _ := cellOf(t, Options{}, "bpfmap", e)
	want := "update:flows#12(hash),key=" + strings.Repeat("6b", fewBytes) + ",value=" + strings.Repeat("76", fewBytes) + "..(33)"
	if text != want {
		t.Errorf("%q, want %q", text, want)
	}
	e.Map.ValueSize = 1000
	text, json := cellOf(t, Options{}, "bpfmap", e)
	if !strings.HasSuffix(text, "..(1000)") || !strings.HasSuffix(json, `"value":"`+strings.Repeat("76", fewBytes+1)+`","value_truncated":true}`) {
		t.Errorf("%s, %s", text, json)
	}
}

// TestUnreadableMapValues checks that unreadable values are not shown as zeros.
func TestUnreadableMapValues(t *testing.T) {
	e := mapCall(event.MapLookup, true, "\x01", "")
	e.Map.ValueSize, e.Map.Key = 8, nil
	text, json := cellOf(t, Options{}, "bpfmap", e)
	if text != "lookup:flows#12(hash),key=?,value=?" || !strings.HasSuffix(json, `"key":null,"key_truncated":false,"found":true,"value":null,"value_truncated":false}`) {
		t.Errorf("%s, %s", text, json)
	}
}

func TestMapNamesAreOneWord(t *testing.T) {
	e := mapCall(event.MapDelete, false, "\x01", "")
	copy(e.Map.Name[:], "a b\n\x1b")
	e.Map.Type = 999
	text, _ := cellOf(t, Options{}, "bpfmap", e)
	if bytes.ContainsAny([]byte(text), " \n\x1b") || !strings.Contains(text, "(999)") {
		t.Errorf("%q", text)
	}
}
