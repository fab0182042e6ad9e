// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestEmptyValuesAreErrors checks that all flags have the same error.
func TestEmptyValuesAreErrors(t *testing.T) {
	traceFlags().VisitAll(func(f *pflag.Flag) {
		for _, value := range []string{"", " "} {
			_, err := parseTrace([]string{"--" + f.Name + "=" + value})
			if want := fmt.Sprintf("--%s %q: empty value", f.Name, value); err == nil || err.Error() != want || exitCode(err) != exitUsage {
				t.Errorf("--%s=%q: %v, want %s", f.Name, value, err, want)
			}
			if !strings.Contains(hintOf(err), "tracer help "+f.Name) {
				t.Errorf("--%s: hint %q does not name the help", f.Name, hintOf(err))
			}
		}
	})
}

// TestOutputFileWithoutReadyFile has the output file ".", which filepath.Clean also makes of an empty path.
func TestOutputFileWithoutReadyFile(t *testing.T) {
	if _, err := parseTrace([]string{"--output-file", "."}); err != nil {
		t.Errorf("error %v, want that of opening the file", err)
	}
}
