// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"slices"
	"strings"
)

// listValue is words with commas between them; a flag that is given again adds.
type listValue struct{ to *[]string }

func list(to *[]string) listValue { return listValue{to} }

// Set, String and Type are those of pflag.Value.
func (v listValue) Set(s string) error {
	words := strings.Split(s, ",")
	if slices.Contains(words, "") || slices.Contains(words, "!") {
		return errors.New("an empty name in the list")
	}
	*v.to = append(*v.to, words...)
	return nil
}

func (v listValue) String() string {
	if v.to == nil {
		return ""
	}
	return strings.Join(*v.to, ",")
}

func (listValue) Type() string { return "LIST" }
