// SPDX-License-Identifier: Apache-2.0

package journey

import (
	"fmt"
	"testing"

	"tracer/internal/event"

	"github.com/google/go-cmp/cmp"
)

func TestReasonsAreListedByCount(t *testing.T) {
	var r Reasons
	for _, name := range []string{"b", "a", "c", "c"} {
		r.Add(name, 1)
	}
	r.Add("d", 5)
	want := []event.ReasonCount{{Name: "d", Count: 5}, {Name: "c", Count: 2}, {Name: "a", Count: 1}, {Name: "b", Count: 1}}
	if diff := cmp.Diff(want, r.List()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if list := Reasons(nil).List(); list != nil {
		t.Errorf("%v without drops", list)
	}
}

func TestManyReasonsAreCountedTogether(t *testing.T) {
	var r Reasons
	for i := range mostReasons + 7 {
		r.Add(fmt.Sprint(i), 1)
	}
	if list := r.List(); len(list) != mostReasons+1 || list[0] != (event.ReasonCount{Name: OtherReasons, Count: 7}) {
		t.Errorf("%d reasons, of which the first is %+v", len(list), list[0])
	}
}
