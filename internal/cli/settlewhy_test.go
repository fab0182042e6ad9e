// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"tracer/internal/column"
	"tracer/internal/explain"

	"github.com/google/go-cmp/cmp"
)

// TestFamiliesOfCauses checks which families of causes are looked for, and whether their column is printed.
func TestFamiliesOfCauses(t *testing.T) {
	all := explain.Families()
	for line, test := range map[string]struct {
		families []string
		shown    bool
	}{
		"":                                         {nil, false},
		"--drop":                                   {all, true},
		"--filter-drop-reason no_socket":           {all, true},
		"--drop --why all":                         {all, true},
		"--drop --why route,mtu":                   {[]string{"route", "mtu"}, true},
		"--drop --why route --why mtu":             {[]string{"route", "mtu"}, true},
		"--drop --why none":                        {nil, false},
		"--drop --output-why=false":                {nil, false},
		"--drop --output-why=false --why route":    {[]string{"route"}, false},
		"--why route":                              {[]string{"route"}, true},
		"--why all":                                {all, true},
		"--why none":                               {nil, false},
		"--why none --output-why=false":            {nil, false},
		"--output-why":                             {all, true},
		"--output-why --why socket":                {[]string{"socket"}, true},
		"--output-why=false":                       {nil, false},
		"--output-why --filter-func @drop":         {all, true},
		"--output-why --filter-func tp:kfree_skb":  {all, true},
		"--why route --filter-func-exclude ip_.*":  {[]string{"route"}, true},
		"--drop --output-columns func":             {nil, false},
		"--drop --output-columns func,why":         {all, true},
		"--drop --output-columns default":          {all, true},
		"--drop --output-columns func --why route": {[]string{"route"}, false},
		"--drop --output-columns func --why all":   {all, false},
		"--output-columns func,why":                {all, true},
		"--output-columns all":                     {nil, false},
		"--only-bpf":                               {nil, false},
		"--only-bpf --why none":                    {nil, false},
		"--filter-func ip_rcv":                     {nil, false},
		"--filter-func ip_rcv --why none":          {nil, false},
		"--filter-func ip_rcv|tp:kfree_skb --why qdisc --output-json": {[]string{"qdisc"}, true},
	} {
		o, err := parseTrace(strings.Fields(line))
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		if !slices.Equal(o.config.Why, test.families) {
			t.Errorf("%q: families %q, want %q", line, o.config.Why, test.families)
		}
		if shown := column.Needs(o.config.Output.Columns)[column.Why]; shown != test.shown {
			t.Errorf("%q: column printed: %t, want %t", line, shown, test.shown)
		}
	}
}

// TestCausesRefused checks flags about causes that contradict each other or the choice of functions.
func TestCausesRefused(t *testing.T) {
	families := strings.Join(explain.Families(), ", ")
	const useOnly = "hint: use --filter-trace-bpf tc,xdp,netfilter,cgroup_skb,sk_skb,lwt instead of --only-bpf to trace functions too\n"
	for line, want := range map[string]string{
		"--why firewall":                       "tracer: --why \"firewall\": \"firewall\": not one of all, none, " + families + "\nhint: see `tracer help why`\n",
		"--why !route":                         "tracer: --why \"!route\": \"!route\": not one of all, none, " + families + "\nhint: see `tracer help why`\n",
		"--why route,":                         "tracer: --why \"route,\": empty name in the list\nhint: see `tracer help why`\n",
		"--why route,route":                    "tracer: --why \"route,route\": \"route\" is named twice\nhint: see `tracer help why`\n",
		"--why route,,mtu":                     "tracer: --why \"route,,mtu\": empty name in the list\nhint: see `tracer help why`\n",
		"--why ,":                              "tracer: --why \",\": empty name in the list\nhint: see `tracer help why`\n",
		"--why=":                               "tracer: --why \"\": empty value\nhint: see `tracer help why`\n",
		"--why none,none":                      "tracer: --why \"none,none\": \"none\" is named twice\nhint: see `tracer help why`\n",
		"--why route --why mtu,route":          "tracer: --why \"mtu,route\": \"route\" is named twice\nhint: see `tracer help why`\n",
		"--drop --why route,none":              "tracer: --why \"route,none\": \"none\" cannot be combined with \"route\"\nhint: leave out none, or all other words\n",
		"--drop --why none --why route":        "tracer: --why \"none,route\": \"none\" cannot be combined with \"route\"\nhint: leave out none, or all other words\n",
		"--drop --why all,route,mtu":           "tracer: --why \"all,route,mtu\": \"all\" cannot be combined with \"route,mtu\"\nhint: leave out all, or all other words\n",
		"--drop --why none,all":                "tracer: --why \"none,all\": \"all\" cannot be combined with \"none\"\nhint: leave out all, or all other words\n",
		"--why none --output-why":              "tracer: --why \"none\": --output-why shows causes, and none are looked for\nhint: leave out one of the two flags\n",
		"--why none --output-columns func,why": "tracer: --why \"none\": --output-columns names why, and no causes are looked for\nhint: leave out one of the two\n",
		"--only-bpf --why route":               "tracer: --why: cannot be combined with --only-bpf, which traces BPF programs only\n" + useOnly,
		"--only-bpf --output-why":              "tracer: --output-why: cannot be combined with --only-bpf, which traces BPF programs only\n" + useOnly,
		"--only-bpf --output-columns func,why": "tracer: --output-columns \"why\": --only-bpf traces BPF programs, no drops\nhint: leave out one of the two\n",
		"--filter-func ip_rcv --why route": "tracer: --why \"route\": --filter-func \"ip_rcv\" leaves out the drop tracepoint, tp:kfree_skb\n" +
			"hint: use --filter-func 'ip_rcv|tp:kfree_skb'\n",
		"--filter-func ip_rcv --output-why": "tracer: --output-why: --filter-func \"ip_rcv\" leaves out the drop tracepoint, tp:kfree_skb\n" +
			"hint: use --filter-func 'ip_rcv|tp:kfree_skb'\n",
		"--filter-func-exclude tp:.* --output-columns func,why": "tracer: --output-columns \"why\": --filter-func-exclude \"tp:.*\" leaves out the drop tracepoint, tp:kfree_skb\n" +
			"hint: exclude less\n",
	} {
		var stdout, stderr bytes.Buffer
		code := Main(strings.Fields(line), &stdout, &stderr)
		if code != exitUsage || stdout.Len() != 0 {
			t.Errorf("%q: exit %d, %q on stdout", line, code, &stdout)
		}
		if diff := cmp.Diff(want, stderr.String()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", line, diff)
		}
	}
}

// TestImpliedCausesAreNotNoted checks the note about a column that a list of columns leaves out.
func TestImpliedCausesAreNotNoted(t *testing.T) {
	const note = "--output-columns does not name why: not printed"
	for line, want := range map[string][]string{
		"--output-columns func --drop":              nil,
		"--output-columns func --drop --why route":  {note},
		"--output-columns func --drop --output-why": {note},
		"--output-columns func,why --drop":          nil,
	} {
		o, err := parseTrace(strings.Fields(line))
		if err != nil || !slices.Equal(o.notes, want) {
			t.Errorf("%q: %q, %v", line, o.notes, err)
		}
	}
}
