// SPDX-License-Identifier: Apache-2.0

package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// tracing is the tracefs folder. The function_graph tracer runs only in the top instance.
const tracing = "/sys/kernel/tracing"

func writeTracing(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(tracing, file), []byte(text), 0); err != nil {
		t.Fatal(err)
	}
}

func readTracing(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(tracing, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// graphable returns the functions that both ftrace and the kernel's BTF have.
func graphable(t *testing.T, functions []string) []string {
	t.Helper()
	text := readTracing(t, "available_filter_functions")
	return slices.DeleteFunc(slices.Clone(functions), func(f string) bool {
		return !strings.Contains(text, "\n"+f+"\n") || !describes(f)
	})
}

// functionGraph is the kernel's function_graph tracer.
type functionGraph struct {
	t *testing.T
	// values is true if it prints return values (6.5 with CONFIG_FUNCTION_GRAPH_RETVAL).
	values  bool
	returns []graphReturn
}

// graphReturn is a return in the output of function_graph.
type graphReturn struct {
	function string
	// depth is the number of calls around it.
	depth int
	took  time.Duration
	value uint64
}

func (g *functionGraph) start(functions []string) {
	g.t.Helper()
	writeTracing(g.t, "set_ftrace_filter", strings.Join(functions, "\n"))
	writeTracing(g.t, "current_tracer", "function_graph")
	writeTracing(g.t, "options/funcgraph-tail", "1")
	if _, err := os.Stat(filepath.Join(tracing, "options/funcgraph-retval")); err == nil {
		g.values = true
		writeTracing(g.t, "options/funcgraph-retval", "1")
		writeTracing(g.t, "options/funcgraph-retval-hex", "1")
	}
	writeTracing(g.t, "trace", "")
	g.t.Cleanup(func() {
		writeTracing(g.t, "current_tracer", "nop")
		writeTracing(g.t, "set_ftrace_filter", "")
	})
}

// A leaf call is printed as one line. Other calls end with a separate line. The return value is
// printed as "= 0x0", or as "ret=0x0" on newer kernels.
var (
	graphReturned = regexp.MustCompile(`(?:([\d.]+) us)?\s*\|(\s*)(?:([\w.]+)\(.*\);|\} /\* ([\w.]+))(.*)`)
	graphValue    = regexp.MustCompile(`(?:= |ret=)(0x[0-9a-f]+)`)
)

func (g *functionGraph) stop() {
	g.t.Helper()
	text := readTracing(g.t, "trace")
	writeTracing(g.t, "current_tracer", "nop")
	for line := range strings.Lines(text) {
		if m := graphReturned.FindStringSubmatch(line); m != nil {
			g.returns = append(g.returns, g.parse(m))
		}
	}
	if len(g.returns) == 0 {
		g.t.Errorf("function_graph printed no returns: %s", text)
	}
}

// parse converts a match of graphReturned.
func (g *functionGraph) parse(m []string) graphReturn {
	g.t.Helper()
	r := graphReturn{function: m[3] + m[4], depth: len(m[2]) / 2}
	us, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		g.t.Errorf("no duration in %q", m[0])
	}
	r.took = time.Duration(us * float64(time.Microsecond))
	if !g.values {
		return r
	}
	value := graphValue.FindStringSubmatch(m[5])
	if value == nil {
		g.t.Fatalf("no value in %q", m[0])
	}
	if r.value, err = strconv.ParseUint(value[1], 0, 64); err != nil {
		g.t.Fatal(err)
	}
	return r
}

// TestReturnsAgreeWithFunctionGraph compares all returns, in order, with the output of the kernel's function_graph
// tracer at the same time: the function, its depth, its duration, and the return value if the kernel
// was built to print it.
func TestReturnsAgreeWithFunctionGraph(t *testing.T) {
	needDedicatedMachine(t)
	eachReturnWay(t, func(t *testing.T, way returnWay) {
		g := functionGraph{t: t}
		functions := graphable(t, pingedFunctions())
		events, all := returnsOfPing(t, way, func() { g.start(functions) }, g.stop)
		events = events.that(in(functions...))
		g.compare(events, depths(all.that(in(functions...))))
		t.Logf("%d returns, values compared with function_graph: %v", len(events), g.values)
	})
}

// depths returns the depth of the call of each return.
func depths(events records) (list []int) {
	depth := 0
	for _, r := range events {
		if r.Type == "function" {
			depth++
			continue
		}
		depth--
		list = append(list, depth)
	}
	return list
}

func (g *functionGraph) compare(events records, depths []int) {
	g.t.Helper()
	if len(events) != len(g.returns) || len(depths) != len(events) {
		g.t.Fatalf("%d returns, the kernel says %d: %v, %v", len(events), len(g.returns), events, g.returns)
	}
	least := slices.Min(depths)
	var apart []string
	for i, r := range events {
		want := g.returns[i]
		if r.Func != want.function || depths[i]-least != want.depth-g.shallowest() {
			g.t.Errorf("return %d is of %s, %d deep, the kernel says of %s, %d deep", i, r.Func, depths[i], want.function, want.depth)
		}
		if took := time.Duration(*r.Duration); took > 2*want.took+tolerance || want.took > 2*took+tolerance {
			apart = append(apart, fmt.Sprintf("%s took %v, the kernel says %v", r.Func, took, want.took))
		}
		if value, has := r.Return.number(g.t); has && g.values && !isSameValue(r, value, want.value) {
			g.t.Errorf("%s returned %s, the kernel says %#x", r.Func, r.Return.Value, want.value)
		}
	}
	if len(apart) > len(events)/4 {
		g.t.Errorf("%d of %d durations differ: %v", len(apart), len(events), apart)
	}
}

// tolerance allows for the overhead of the two tracers on an emulated machine. A duration differs more if
// an interrupt comes between the two readings of the clock, so a quarter of them may.
const tolerance = 300 * time.Microsecond

func (g *functionGraph) shallowest() int {
	return slices.MinFunc(g.returns, func(a, b graphReturn) int { return a.depth - b.depth }).depth
}
