// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"strconv"

	"github.com/spf13/pflag"
)

// pwruFlags are flags of pwru's that have no sense here. They are accepted, so
// that its command lines can be used, and noted.
func pwruFlags(fs *pflag.FlagSet, o *options) {
	fs.Var(needlessValue{&o.notes, "--set-percpu-buf has no effect: there is room for all of a packet's metadata"},
		"set-percpu-buf", "no effect: a `SIZE` is not needed")
	fs.Var(needlessValue{&o.notes, "--filter-kprobe-batch has no effect: probes are attached in parallel by themselves"},
		"filter-kprobe-batch", "no effect: a `NUMBER` is not needed")
}

var pwruOffers = offers{"set-percpu-buf": anything, "filter-kprobe-batch": anything}

// needlessValue is a number that is not used; that it was given is noted.
type needlessValue struct {
	notes *[]string
	note  string
}

// Set, String and Type are those of pflag.Value.
func (v needlessValue) Set(s string) error {
	if _, err := strconv.ParseUint(s, 10, 32); err != nil {
		return errors.New("not a number of 32 bits")
	}
	*v.notes = append(*v.notes, v.note)
	return nil
}

func (needlessValue) String() string { return "" }

func (needlessValue) Type() string { return "number" }
