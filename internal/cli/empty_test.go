// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestEmptyValuesAreErrors: all flags say the same.
func TestEmptyValuesAreErrors(t *testing.T) {
	allFlags(&options{}).VisitAll(func(f *pflag.Flag) {
		for _, value := range []string{"", " "} {
			_, err := parse([]string{"--" + f.Name + "=" + value})
			if want := fmt.Sprintf("--%s %q: empty value", f.Name, value); err == nil || err.Error() != want || exitCode(err) != exitUsage {
				t.Errorf("--%s=%q: %v, want %s", f.Name, value, err, want)
			}
			if !strings.Contains(hintOf(err), "tracer help "+f.Name) {
				t.Errorf("--%s: hint %q does not name the help", f.Name, hintOf(err))
			}
		}
	})
}

// TestADirectoryIsNotTheMissingReadyFile: both are "." where a path is cleaned.
func TestADirectoryIsNotTheMissingReadyFile(t *testing.T) {
	if _, err := parse([]string{"--output-file", "."}); err != nil {
		t.Errorf("error %v, want that of opening the file", err)
	}
}
