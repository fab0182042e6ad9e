// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"tracer/internal/column"

	"github.com/google/go-cmp/cmp"
)

const jsonBegin = `{"version":1,"type":"`

// TestJSONInTheDocs checks that each JSON record in the documents has the keys that the command
// above it prints, in that order.
func TestJSONInTheDocs(t *testing.T) {
	count := 0
	for _, page := range docPages(t) {
		for _, block := range page.blocks {
			records := recordsOf(block)
			count += len(records)
			for _, record := range records {
				checkJSONExample(t, page.name, record, columnsOfBlock(t, page.name, block))
			}
		}
	}
	if count < 3 {
		t.Errorf("only %d records were found", count)
	}
}

// recordsOf returns the lines of a block that are JSON records.
func recordsOf(block []string) (records []string) {
	for _, line := range block {
		if strings.HasPrefix(line, jsonBegin) {
			records = append(records, line)
		}
	}
	return records
}

// columnsOfBlock returns the columns of the command in the block, or else the default columns.
func columnsOfBlock(t *testing.T, page string, block []string) column.Options {
	t.Helper()
	args := []string{"--output-json"}
	for _, example := range commandsOf(page, block) {
		if calls := tracerCalls(t, example.command); len(calls) > 0 && isTrace(calls[0]) {
			args = calls[0]
		}
	}
	o, err := parseTrace(args)
	if err != nil {
		t.Fatalf("%s: %q: %v", page, args, err)
	}
	return o.config.Output.Columns
}

func isTrace(args []string) bool {
	c, _, err := choose(args)
	return err == nil && c.name == traceName
}

func checkJSONExample(t *testing.T, page, line string, o column.Options) {
	t.Helper()
	kind, _, _ := strings.Cut(strings.TrimPrefix(line, jsonBegin), `"`)
	columns := column.Select(o)
	switch kind {
	case "lost":
		columns = column.Lost()
	case "summary":
		columns = column.Summary()
	}
	want := []string{"version", "type"}
	for _, c := range columns {
		want = append(want, c.Key)
	}
	if diff := cmp.Diff(want, keysOf(t, line)); diff != "" {
		t.Errorf("%s: keys of %.60s… (-printed +shown):\n%s", page, line, diff)
	}
}

// keysOf returns the keys of an object in their order, without those of nested objects.
func keysOf(t *testing.T, object string) (keys []string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(object))
	if _, err := d.Token(); err != nil {
		t.Fatalf("%s: %v", object, err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatalf("%s: %v", object, err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatalf("%s: %v", object, err)
		}
		keys = append(keys, key.(string))
	}
	return keys
}

func TestKeysOfAnObject(t *testing.T) {
	if got := keysOf(t, `{"b":{"x":1},"a":[2]}`); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("%q", got)
	}
}
