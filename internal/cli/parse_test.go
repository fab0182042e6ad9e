// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"tracer/internal/app"
	"tracer/internal/column"
	"tracer/internal/export"

	"github.com/google/go-cmp/cmp"
)

// configOf is the defaults with the changes made.
func configOf(change func(*app.Config)) app.Config {
	c := app.Config{Output: export.Options{Columns: column.Options{Meta: true, Tuple: true}}}
	change(&c)
	return c
}

var parsed = map[string]func(*app.Config){
	"":                           func(*app.Config) {},
	"icmp":                       func(c *app.Config) { c.Expr = "icmp" },
	"tcp and --debug port 80":    func(c *app.Config) { c.Expr, c.Debug = "tcp and port 80", true },
	"-- -1 = ip[0]":              func(c *app.Config) { c.Expr = "-1 = ip[0]" },
	"tcp[0] - 1 = 2":             func(c *app.Config) { c.Expr = "tcp[0] - 1 = 2" },
	"--filter-func ip_.*|tcp_v4": func(c *app.Config) { c.Func = "ip_.*|tcp_v4" },
	"--filter-netns=pid:1":       func(c *app.Config) { c.Netns = "pid:1" },
	"--filter-ifname lo":         func(c *app.Config) { c.Ifname = "lo" },
	"--filter-mark 0xf00/0xff00": func(c *app.Config) { c.Mark = "0xf00/0xff00" },
	"--filter-mark 0":            func(c *app.Config) { c.Mark = "0" },
	"--kmods a,b --kmods c":      func(c *app.Config) { c.Kernel.Modules = []string{"a", "b", "c"} },
	"--all-kmods":                func(c *app.Config) { c.Kernel.AllModules = true },
	"--kernel-btf f":             func(c *app.Config) { c.Kernel.BTFFile = "f" },
	"--backend kprobe":           func(c *app.Config) { c.Backend = "kprobe" },
	"--buffer-size 64K":          func(c *app.Config) { c.RingSize = 64 << 10 },
	"--buffer-size 16m":          func(c *app.Config) { c.RingSize = 16 << 20 },
	"--buffer-size 1G":           func(c *app.Config) { c.RingSize = 1 << 30 },
	"--buffer-size 131072":       func(c *app.Config) { c.RingSize = 1 << 17 },
	"--output-meta=false":        func(c *app.Config) { c.Output.Columns.Meta = false },
	"--output-tuple":             func(*app.Config) {},
	"--output-tuple=false":       func(c *app.Config) { c.Output.Columns.Tuple = false },
	"--output-json":              func(c *app.Config) { c.Output.JSON = true },
	"--output-limit-lines 7":     func(c *app.Config) { c.Limit = 7 },
	"--output-file f":            func(c *app.Config) { c.OutputFile = "f" },
	"--timestamp relative":       func(c *app.Config) { c.Output.Columns.Timestamp = column.Relative },
	"--ready-file f":             func(c *app.Config) { c.ReadyFile = "f" },
	"--dry-run":                  func(c *app.Config) { c.DryRun = true },
}

func TestParse(t *testing.T) {
	for line, change := range parsed {
		o, err := parse(strings.Fields(line))
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		if diff := cmp.Diff(configOf(change), o.config); diff != "" {
			t.Errorf("%q (-want +got):\n%s", line, diff)
		}
	}
}

var refused = map[string]string{
	"--filter-fun x":                   "tracer: unknown flag \"--filter-fun\"\nhint: did you mean --filter-func?\n",
	"--func x":                         "tracer: unknown flag \"--func\"\nhint: did you mean --filter-func?\n",
	"-filter-func x":                   "tracer: unknown flag \"-filter-func\"\nhint: did you mean --filter-func?\n",
	"--qqqq":                           "tracer: unknown flag \"--qqqq\"\nhint: `tracer --help` lists the flags\n",
	"-x":                               "tracer: unknown flag \"-x\"\nhint: `tracer --help` lists the flags\n",
	"--filter-func":                    "tracer: --filter-func: value missing\n",
	"--filter-func a(b":                "tracer: --filter-func \"a(b\": not a regular expression, missing closing ) at \"a(b\"\n",
	"--filter-func a)|(b":              "tracer: --filter-func \"a)|(b\": not a regular expression, unexpected ) at \"a)|(b\"\n",
	"--filter-mark 0x":                 "tracer: --filter-mark \"0x\": not a mark: want a number of 32 bits, decimal or with 0x, and perhaps /MASK\n",
	"--filter-mark 1/":                 "tracer: --filter-mark \"1/\": not a mark: want a number of 32 bits, decimal or with 0x, and perhaps /MASK\n",
	"--filter-mark 4294967296":         "tracer: --filter-mark \"4294967296\": not a mark: want a number of 32 bits, decimal or with 0x, and perhaps /MASK\n",
	"--timestamp foo":                  "tracer: --timestamp \"foo\": not one of none, current, relative, absolute\n",
	"--backend fprobe":                 "tracer: --backend \"fprobe\": not one of kprobe-multi, kprobe, tracepoint\n",
	"--buffer-size 3M":                 "tracer: --buffer-size \"3M\": not a power of two of at least 4096 bytes\n",
	"--buffer-size 2G":                 "tracer: --buffer-size \"2G\": not a size of less than 2G: want bytes, or a number with K, M or G\n",
	"--buffer-size 1KK":                "tracer: --buffer-size \"1KK\": not a size of less than 2G: want bytes, or a number with K, M or G\n",
	"--buffer-size M":                  "tracer: --buffer-size \"M\": not a size of less than 2G: want bytes, or a number with K, M or G\n",
	"--output-limit-lines -1":          "tracer: --output-limit-lines \"-1\": not a number of lines, which is 0 or more\n",
	"--output-json=perhaps":            "tracer: --output-json \"perhaps\": not true or false\n",
	"--output-file ./a --ready-file a": "tracer: --ready-file \"a\": is the --output-file too\n",
	"--=":                              "tracer: arguments: bad flag syntax: --=\nhint: `tracer --help` lists the flags\n",
}

func TestRefused(t *testing.T) {
	for line, want := range refused {
		var stdout, stderr bytes.Buffer
		code := Main(strings.Fields(line), &stdout, &stderr)
		want = strings.ReplaceAll(want, "4096", pageSize())
		if code != exitUsage || stdout.Len() != 0 || stderr.String() != want {
			t.Errorf("%q: exit %d, %q on stdout, stderr %q; want exit %d and %q", line, code, &stdout, &stderr, exitUsage, want)
		}
	}
}

func pageSize() string { return sizeValue{new(os.Getpagesize())}.String() }
