// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"tracer/internal/explain"
	"tracer/internal/printable"

	"github.com/spf13/pflag"
)

// Words of --why besides the names of families.
const (
	allFamilies = "all"
	noFamilies  = "none"
)

// whyFlag and outputWhyFlag are the flags about the causes of drops.
const (
	whyFlag       = "why"
	outputWhyFlag = "output-why"
)

func (o *options) whyFlags(fs *pflag.FlagSet) {
	fs.Var(listValue{to: &o.why, once: true, check: checkFamily}, whyFlag,
		"explain drops by these `FAMILIES` of causes: all, none, or a list of "+strings.Join(explain.Families(), ", ")+" (default all with --drop, else none)")
	fs.BoolVar(&o.outputWhy, outputWhyFlag, false, "show the cause of each drop below its row (implied by --drop and --why)")
}

// familyWords returns the values of --why.
func familyWords() []string { return append([]string{allFamilies, noFamilies}, explain.Families()...) }

func checkFamily(word string) error {
	if slices.Contains(familyWords(), word) {
		return nil
	}
	return errors.New("not one of " + strings.Join(familyWords(), ", "))
}

// explainsNone reports whether --why is none.
func (o *options) explainsNone() bool { return slices.Contains(o.why, noFamilies) }

// whyTyped returns the flag --why with its value, as in error messages.
func (o *options) whyTyped() string {
	return fmt.Sprintf("--%s %s", whyFlag, printable.Quote(strings.Join(o.why, ",")))
}

// checkWhy returns an error if all or none is combined with other words, or --why none with a flag that requests causes.
func (o *options) checkWhy() error {
	for _, word := range []string{allFamilies, noFamilies} {
		if i := slices.Index(o.why, word); i >= 0 && len(o.why) > 1 {
			others := slices.Delete(slices.Clone(o.why), i, i+1)
			text := fmt.Sprintf("%s: %s cannot be combined with %s", o.whyTyped(), printable.Quote(word), printable.Quote(strings.Join(others, ",")))
			return &usageError{text: text, hint: "leave out " + word + ", or all other words"}
		}
	}
	if o.explainsNone() && o.outputWhy {
		return &usageError{text: o.whyTyped() + ": --output-why shows causes, and none are looked for", hint: "leave out one of the two flags"}
	}
	return nil
}

// showsWhy reports whether the flags select the column of causes.
func (o *options) showsWhy(fs *pflag.FlagSet) bool {
	switch {
	case fs.Changed(outputWhyFlag):
		return o.outputWhy
	case fs.Changed(whyFlag):
		return !o.explainsNone()
	}
	return o.config.Drops.OnlyDrops()
}
