// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/expr"
	"tracer/internal/kernel"
	"tracer/internal/lookup"
)

// TestPlanIsData checks that no type in a plan has a function, a channel or an interface of ours, apart
// from errors. Exceptions are [Options.Types], which the plan does not keep, look-ups, which point to a
// row of a fixed table, and expressions, which are syntax trees whose nodes are interfaces.
func TestPlanIsData(t *testing.T) {
	row, tree, options := reflect.TypeFor[lookup.Lookup](), reflect.TypeFor[expr.Program](), reflect.TypeFor[Options]()
	seen := map[reflect.Type]bool{row: true, tree: true}
	var walk func(path string, of reflect.Type)
	walk = func(path string, of reflect.Type) {
		if seen[of] || of == reflect.TypeFor[error]() {
			return
		}
		seen[of] = true
		switch of.Kind() {
		case reflect.Func, reflect.Chan, reflect.UnsafePointer:
			t.Errorf("%s is a %s", path, of.Kind())
		case reflect.Interface:
			if isOurs(of) {
				t.Errorf("%s is the interface %s", path, of)
			}
		case reflect.Pointer, reflect.Slice, reflect.Array:
			walk(path, of.Elem())
		case reflect.Map:
			walk(path, of.Key())
			walk(path, of.Elem())
		case reflect.Struct:
			for i := range of.NumField() {
				field := of.Field(i)
				if isOurs(of) && !(of == options && field.Name == "Types") {
					walk(path+"."+field.Name, field.Type)
				}
			}
		}
	}
	walk("Plan", reflect.TypeFor[Plan]())
	if !seen[reflect.TypeFor[lookup.Layout]()] {
		t.Error("the walk did not reach the layouts of look-ups")
	}
}

func isOurs(t reflect.Type) bool { return strings.HasPrefix(t.PkgPath(), "tracer/") }

// TestPlanIsDeterministic checks that a plan depends only on the arguments, and that printing does not
// change it.
func TestPlanIsDeterministic(t *testing.T) {
	o := Options{Types: xdpTypes{}, XDPExpr: "xdp->data != 0", Follow: Follow{Matched: true}, Netns: Netns{In: []uint32{7}}}
	first, second := mustPlan(t, o, facts()), mustPlan(t, o, facts())
	if countPrinted(t, first, "backend") == 0 {
		t.Error("nothing is printed")
	}
	if diff := cmp.Diff(first, second, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
		t.Error(diff)
	}
	if first.Asked.Types != nil {
		t.Error("the plan keeps the types")
	}
}

func TestUnknownNumberOfCPUs(t *testing.T) {
	f := facts()
	f.CPUs, f.CPUsUnknown = 0, errors.New("no /sys")
	if _, err := New(Options{Follow: Follow{Matched: true}}, f); !errors.Is(err, f.CPUsUnknown) {
		t.Errorf("error %v", err)
	}
	if _, err := New(Options{}, f); err != nil {
		t.Errorf("without following: %v", err)
	}
}

func TestPagesAreThoseOfTheKernel(t *testing.T) {
	f := facts()
	f.PageSize, f.Pages = 64<<10, &kernel.Pages{Structs: 1, Memory: 2}
	p := mustPlan(t, Options{Record: Record{Return: true}, RingSize: 64 << 10}, f)
	if c := p.BPF.Config; c.PageShift != 16 || c.StackSize != 64<<10 {
		t.Errorf("page shift %d, stack %d", c.PageShift, c.StackSize)
	}
	_, err := New(Options{RingSize: 4096}, f)
	if want := "buffer size 4096: must be a power of two from 65536 to 1073741824"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
