// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"testing"

	"tracer/internal/kernel"

	"github.com/google/go-cmp/cmp"
)

func TestAbsentModules(t *testing.T) {
	there := []string{"nf_tables", "veth"}
	for what, test := range map[string]struct {
		facts kernel.Facts
		want  []string
	}{
		"all are there": {kernel.Facts{Modules: there}, nil},
		"a typo": {
			kernel.Facts{Modules: []string{"veth"}, AbsentModules: []kernel.AbsentModule{{Name: "nf-tabels", Why: kernel.ModuleNotLoaded}}, ModulesWithBTF: there},
			[]string{`--kmods "nf-tabels": it is not loaded, so its functions are not traced: did you mean nf_tables?`},
		},
		"built in": {
			kernel.Facts{AbsentModules: []kernel.AbsentModule{{Name: "ipv6", Why: kernel.ModuleBuiltIn}, {Name: "unix", Why: kernel.ModuleBuiltIn}}, ModulesWithBTF: there},
			[]string{
				`--kmods "ipv6": it is built into the kernel, and traced without --kmods`,
				`--kmods "unix": it is built into the kernel, and traced without --kmods`,
			},
		},
		"perhaps built in": {
			kernel.Facts{AbsentModules: []kernel.AbsentModule{{Name: "veth", Why: kernel.ModuleUnknown}, {Name: "ipvlan", Why: kernel.ModuleUnknown}}},
			[]string{
				`--kmods "veth": it is not loaded, unless it is built into the kernel, and traced without --kmods: lsmod lists the loaded modules`,
				`--kmods "ipvlan": it is not loaded, unless it is built into the kernel, and traced without --kmods: lsmod lists the loaded modules`,
			},
		},
		"none of them": {
			kernel.Facts{AbsentModules: []kernel.AbsentModule{{Name: "qqqqqq", Why: kernel.ModuleNotLoaded}, {Name: "old", Why: kernel.ModuleWithoutBTF}}},
			[]string{
				`--kmods "qqqqqq": it is not loaded, so its functions are not traced: lsmod lists the loaded modules`,
				`--kmods "old": it has no BTF, so its functions are not traced: this kernel has no BTF of modules (5.11, CONFIG_DEBUG_INFO_BTF_MODULES)`,
				`--kmods: none of these modules can be traced, only the kernel itself is`,
			},
		},
	} {
		if diff := cmp.Diff(test.want, absentModules(&test.facts)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

// TestNoMatchNamesAbsentModules checks that the hint names absent modules, the likely reason.
func TestNoMatchNamesAbsentModules(t *testing.T) {
	err := &NoMatchError{Func: "nft_do_chain", Backend: kernel.Kprobe, Absent: []string{`--kmods "x": why`}}
	if want := `--kmods "x": why`; err.Hint() != want {
		t.Errorf("%q, want %q", err.Hint(), want)
	}
}

// TestPlansNameAbsentModules checks the notes of a plan, and the hints where planning fails.
func TestPlansNameAbsentModules(t *testing.T) {
	f := facts()
	f.AbsentModules = []kernel.AbsentModule{{Name: "nosuch", Why: kernel.ModuleNotLoaded}}
	want := absentModules(f)
	if diff := cmp.Diff(want, mustPlan(t, Options{}, f).Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	for _, o := range []Options{{Func: "nosuch_xmit"}, {NoSkbFuncs: noSkbFuncs("nosuch_xmit")}} {
		_, err := New(o, f)
		var hinted interface{ Hint() string }
		if !errors.As(err, &hinted) || hinted.Hint() != want[0] {
			t.Errorf("%+v: error %v, want the note as hint", o, err)
		}
	}
}
