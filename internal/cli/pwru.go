// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"strconv"

	"github.com/spf13/pflag"
)

// pwruFlags declares the flags of pwru that have no effect here. They are accepted, with a note, so
// that its command lines keep working.
func (o *options) pwruFlags(fs *pflag.FlagSet) {
	fs.Var(needlessValue{&o.notes, "--set-percpu-buf has no effect: the buffer fits the metadata of any packet"},
		"set-percpu-buf", "no effect: no buffer `SIZE` is needed")
	fs.Var(needlessValue{&o.notes, "--filter-kprobe-batch has no effect: probes are always attached in parallel"},
		"filter-kprobe-batch", "no effect: no batch `SIZE` is needed")
}

var pwruOffers = offers{"set-percpu-buf": anything, "filter-kprobe-batch": anything}

// needlessValue is a number that is ignored, with a note.
type needlessValue struct {
	notes *[]string
	note  string
}

// Set implements pflag.Value.
func (v needlessValue) Set(s string) error {
	if _, err := strconv.ParseUint(s, 10, 32); err != nil {
		return errors.New("not a 32-bit number")
	}
	*v.notes = append(*v.notes, v.note)
	return nil
}

func (needlessValue) String() string { return "" }

func (needlessValue) Type() string { return "number" }
