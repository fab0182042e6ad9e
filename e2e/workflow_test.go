// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWorkflowHasEveryMachine checks that ci.yml has one job for each machine, and one for TestCost.
func TestWorkflowHasEveryMachine(t *testing.T) {
	t.Parallel()
	workflow, err := os.ReadFile("../.github/workflows/ci.yml")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`\n +machine:\n((?: +- .+\n)+)`).FindSubmatch(workflow)
	if list == nil {
		t.Fatal("ci.yml has no list of machines")
	}
	var want []string
	for _, m := range machines {
		want = append(want, m.name())
	}
	got := strings.Fields(strings.ReplaceAll(string(list[1]), "- ", ""))
	if diff := cmp.Diff(append(want, "cost"), got); diff != "" {
		t.Errorf("machines in ci.yml (-want +got):\n%s", diff)
	}
}
