// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"tracer/internal/app"
	"tracer/internal/column"
	"tracer/internal/explain"
	"tracer/internal/plan"
	"tracer/internal/sink"

	"github.com/google/go-cmp/cmp"
)

// explainsDrops sets the columns and causes that --drop implies.
func explainsDrops(c *app.Config) {
	c.Output.Columns.First, c.Output.Columns.Why, c.Why = true, true, explain.Families()
}

// configOf returns the defaults with a change.
func configOf(change func(*app.Config)) app.Config {
	c := app.Config{
		Output:   sink.Options{Columns: column.Options{Meta: true, Tuple: true}},
		Rotation: app.Rotation{MaxSize: 100},
	}
	change(&c)
	return c
}

var parsed = map[string]func(*app.Config){
	"":                           func(*app.Config) {},
	"icmp":                       func(c *app.Config) { c.Expr = "icmp" },
	"tcp and --debug port 80":    func(c *app.Config) { c.Expr, c.Debug = "tcp and port 80", true },
	"-- -1 = ip[0]":              func(c *app.Config) { c.Expr = "-1 = ip[0]" },
	"tcp[0] - 1 = 2":             func(c *app.Config) { c.Expr = "tcp[0] - 1 = 2" },
	"--filter-func ip_.*|tcp_v4": func(c *app.Config) { c.Plan.Func = "ip_.*|tcp_v4" },
	"--filter-func @rx|my_.*":    func(c *app.Config) { c.Plan.Func = "@rx|my_.*" },
	"--filter-func-exclude @tcp": func(c *app.Config) { c.Plan.FuncExclude = "@tcp" },
	"--filter-netns=pid:1":       func(c *app.Config) { c.Netns = []string{"pid:1"} },
	"--filter-netns a,!/b/c --filter-netns inode:5": func(c *app.Config) { c.Netns = []string{"a", "!/b/c", "inode:5"} },
	"--filter-ifname lo":                            func(c *app.Config) { c.Ifnames = []string{"lo"} },
	"--filter-ifname !lo,veth*":                     func(c *app.Config) { c.Ifnames = []string{"!lo", "veth*"} },
	"--filter-pid 1,22 --filter-pid 3":              func(c *app.Config) { c.Owners.PIDs = []string{"1", "22", "3"} },
	"--filter-comm curl,ng*":                        func(c *app.Config) { c.Owners.Comms = []string{"curl", "ng*"} },
	"--filter-cgroup a/b,/c,17":                     func(c *app.Config) { c.Owners.Cgroups = []string{"a/b", "/c", "17"} },
	"--filter-skb-expr skb->len>5":                  func(c *app.Config) { c.Plan.SkbExpr = "skb->len>5" },
	"--filter-trace-xdp --filter-xdp-expr xdp->rxq --output-xdp-metadata xdp->frame_sz,xdp->data": func(c *app.Config) {
		c.Plan.Programs.Kinds, c.Plan.XDPExpr, c.Plan.Record.XDPValues = []string{"xdp"}, "xdp->rxq", []string{"xdp->frame_sz", "xdp->data"}
		c.Output.Columns.Program, c.Output.Columns.Head, c.Output.Columns.XDPMetadata = true, true, true
	},
	"--filter-trace-xdp=false":                                 func(*app.Config) {},
	"--filter-tunnel-pcap-l2 arp --filter-tunnel-pcap-l3 icmp": func(c *app.Config) { c.TunnelL2, c.TunnelL3 = "arp", "icmp" },
	"--vxlan-ports 4789,99 --vxlan-ports 5 --geneve-ports 6": func(c *app.Config) {
		c.Plan.Ports = plan.Ports{VXLAN: []uint16{4789, 99, 5}, Geneve: []uint16{6}}
	},
	"--filter-drop-reason !NO_SOCKET,7": func(c *app.Config) {
		c.Drops.Reasons = []string{"!NO_SOCKET", "7"}
		explainsDrops(c)
	},
	"--drop --drop-hide-benign": func(c *app.Config) {
		c.Drops.Only, c.Plan.Settings.HideBenign = true, true
		explainsDrops(c)
	},
	"--drop --output-stack": func(c *app.Config) {
		c.Drops.Only, c.Output.Columns.Stack = true, true
		explainsDrops(c)
	},
	"--filter-track-skb-by-stackid --returns-by kretprobe": func(c *app.Config) {
		c.Plan.Follow.ByStack, c.Plan.ReturnsBy, c.Output.Columns.ID = true, "kretprobe", true
	},
	"--output-return --returns-by kretprobe": func(c *app.Config) {
		c.Output.Columns.Return, c.Plan.ReturnsBy = true, "kretprobe"
	},
	"--duration 1m30s":          func(c *app.Config) { c.Limits.Duration = 90 * time.Second },
	"--max-packets 5":           func(c *app.Config) { c.Limits.Packets = 5 },
	"--max-events-per-packet 6": func(c *app.Config) { c.Limits.EventsPerPacket = 6 },
	"--max-events-per-second 7": func(c *app.Config) { c.Plan.Settings.MaxPerSecond = 7 },
	"--output-file f --output-file-max-size 5 --output-file-max-backups 6 --output-file-max-age 7 --output-file-compress": func(c *app.Config) {
		c.OutputFile, c.Rotation = "f", app.Rotation{MaxSize: 5, MaxBackups: 6, MaxAge: 7, Compress: true}
	},
	"--set-percpu-buf 4096 --filter-kprobe-batch 10": func(*app.Config) {},
	"--filter-mark 0xf00/0xff00":                     func(c *app.Config) { c.Mark = "0xf00/0xff00" },
	"--filter-mark 0":                                func(c *app.Config) { c.Mark = "0" },
	"--kmods a,b --kmods c":                          func(c *app.Config) { c.Kernel.Modules = []string{"a", "b", "c"} },
	"--all-kmods":                                    func(c *app.Config) { c.Kernel.AllModules = true },
	"--kernel-btf f":                                 func(c *app.Config) { c.Kernel.BTFFile = "f" },
	"--backend kprobe":                               func(c *app.Config) { c.Plan.Backend = "kprobe" },
	"--buffer-size 64K":                              func(c *app.Config) { c.Plan.RingSize = 64 << 10 },
	"--buffer-size 16m":                              func(c *app.Config) { c.Plan.RingSize = 16 << 20 },
	"--buffer-size 1G":                               func(c *app.Config) { c.Plan.RingSize = 1 << 30 },
	"--buffer-size 131072":                           func(c *app.Config) { c.Plan.RingSize = 1 << 17 },
	"--output-meta=false":                            func(c *app.Config) { c.Output.Columns.Meta = false },
	"--output-tuple":                                 func(*app.Config) {},
	"--output-tuple=false":                           func(c *app.Config) { c.Output.Columns.Tuple = false },
	"--output-json":                                  func(c *app.Config) { c.Output.JSON = true },
	"--output-limit-lines 7":                         func(c *app.Config) { c.Limits.Lines = 7 },
	"--output-file f":                                func(c *app.Config) { c.OutputFile = "f" },
	"--timestamp relative":                           func(c *app.Config) { c.Output.Columns.Timestamp = column.Relative },
	"--ready-file f":                                 func(c *app.Config) { c.ReadyFile = "f" },
	"--dry-run":                                      func(c *app.Config) { c.DryRun = true },
	"--output-tcp-flags":                             func(c *app.Config) { c.Output.Columns.TCPFlags = true },
	"--output-tcp-seq":                               func(c *app.Config) { c.Output.Columns.TCPSeq = true },
	"--output-tunnel":                                func(c *app.Config) { c.Output.Columns.Tunnel = true },
	"--output-netns-names":                           func(c *app.Config) { c.Output.Columns.NetnsName = true },
	"--output-skb-cb":                                func(c *app.Config) { c.Output.Columns.CB = true },
	"--output-caller":                                func(c *app.Config) { c.Output.Columns.Caller = true },
	"--output-stack":                                 func(c *app.Config) { c.Output.Columns.Stack = true },
	"--output-skb":                                   func(c *app.Config) { c.Output.Columns.Skb = true },
	"--output-skb-shared-info":                       func(c *app.Config) { c.Output.Columns.Shared = true },
	"--color never":                                  func(c *app.Config) { c.Color = app.ColorNever },
	"--netns-names-max-length 8":                     func(c *app.Config) { c.Output.Columns.NetnsNameMost = 8 },
	"--output-skb-metadata skb->len,skb->mark --output-skb-metadata skb->hash": func(c *app.Config) {
		c.Plan.Record.Values = []string{"skb->len", "skb->mark", "skb->hash"}
		c.Output.Columns.Metadata = true
	},
	"--output-columns FUNC,mark/x --output-columns skb": func(c *app.Config) {
		c.Output.Columns.Chosen = []string{"func", "mark", "skb"}
	},
	"--output-columns Default,caller": func(c *app.Config) {
		c.Output.Columns.Chosen = []string{"skb", "cpu", "process", "netns", "mark", "iface", "proto", "mtu", "len", "tuple", "func", "caller"}
	},
	"--output-columns pid,skb_metadata --output-json --output-skb-metadata skb->len": func(c *app.Config) {
		c.Output.JSON, c.Plan.Record.Values = true, []string{"skb->len"}
		c.Output.Columns.Metadata, c.Output.Columns.Chosen = true, []string{"pid", "skb_metadata"}
	},
}

func TestParse(t *testing.T) {
	for line, change := range parsed {
		o, err := parseTrace(strings.Fields(line))
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
	"--filter-fun x":                         "tracer: unknown flag \"--filter-fun\"\nhint: did you mean --filter-func?\n",
	"--func x":                               "tracer: unknown flag \"--func\"\nhint: did you mean --filter-func?\n",
	"-filter-func x":                         "tracer: unknown flag \"-filter-func\"\nhint: did you mean --filter-func?\n",
	"--filter-track icmp":                    "tracer: unknown flag \"--filter-track\"\nhint: flags that begin with it: --filter-track-bpf-helpers, --filter-track-skb, --filter-track-skb-by-stackid\n",
	"--qqqq":                                 "tracer: unknown flag \"--qqqq\"\nhint: `tracer --help` lists the flags\n",
	"-y":                                     "tracer: unknown flag \"-y\"\nhint: `tracer --help` lists the flags\n",
	"--filter-func":                          "tracer: --filter-func: value missing\nhint: see `tracer help filter-func`\n",
	"--filter-func a(b":                      "tracer: --filter-func \"a(b\": not a regular expression, missing closing ) at \"a(b\"\nhint: see `tracer help filter-func`\n",
	"--filter-func a)|(b":                    "tracer: --filter-func \"a)|(b\": not a regular expression, unexpected ) at \"a)|(b\"\nhint: see `tracer help filter-func`\n",
	"--filter-mark 0x":                       "tracer: --filter-mark \"0x\": not a mark: want a 32-bit number, decimal or with 0x, optionally with /MASK\nhint: see `tracer help filter-mark`\n",
	"--filter-mark 1/":                       "tracer: --filter-mark \"1/\": not a mark: want a 32-bit number, decimal or with 0x, optionally with /MASK\nhint: see `tracer help filter-mark`\n",
	"--filter-mark 4294967296":               "tracer: --filter-mark \"4294967296\": not a mark: want a 32-bit number, decimal or with 0x, optionally with /MASK\nhint: see `tracer help filter-mark`\n",
	"--timestamp foo":                        "tracer: --timestamp \"foo\": not one of none, current, relative, absolute\nhint: see `tracer help timestamp`\n",
	"--backend fprobe":                       "tracer: --backend \"fprobe\": not one of kprobe-multi, kprobe, tracepoint\nhint: see `tracer help backend`\n",
	"--buffer-size 3M":                       "tracer: --buffer-size \"3M\": not a power of two of at least 4096 bytes\nhint: see `tracer help buffer-size`\n",
	"--buffer-size 2G":                       "tracer: --buffer-size \"2G\": not a size below 2G: want bytes, or a number with K, M or G\nhint: see `tracer help buffer-size`\n",
	"--buffer-size 1KK":                      "tracer: --buffer-size \"1KK\": not a size below 2G: want bytes, or a number with K, M or G\nhint: see `tracer help buffer-size`\n",
	"--buffer-size M":                        "tracer: --buffer-size \"M\": not a size below 2G: want bytes, or a number with K, M or G\nhint: see `tracer help buffer-size`\n",
	"--output-limit-lines -1":                "tracer: --output-limit-lines \"-1\": not a number of lines from 0 to 18446744073709551615\nhint: see `tracer help output-limit-lines`\n",
	"--max-events-per-second 4294967296":     "tracer: --max-events-per-second \"4294967296\": not a number of events from 0 to 4294967295\nhint: see `tracer help max-events-per-second`\n",
	"--max-packets x":                        "tracer: --max-packets \"x\": not a number of packets from 0 to 18446744073709551615\nhint: see `tracer help max-packets`\n",
	"--max-events-per-packet -1":             "tracer: --max-events-per-packet \"-1\": not a number of events from 0 to 18446744073709551615\nhint: see `tracer help max-events-per-packet`\n",
	"--duration 0s":                          "tracer: --duration \"0s\": not a duration above 0, such as 500ms, 30s or 1h30m\nhint: see `tracer help duration`\n",
	"--duration 5":                           "tracer: --duration \"5\": not a duration above 0, such as 500ms, 30s or 1h30m\nhint: see `tracer help duration`\n",
	"--filter-func @foo|ip_rcv":              "tracer: --filter-func \"@foo|ip_rcv\": preset \"@foo\": unknown, the presets are @rx, @tx, @drop, @nf, @nat, @bridge, @route, @tcp, @udp\nhint: see `tracer help filter-func`\n",
	"--filter-func-exclude a(":               "tracer: --filter-func-exclude \"a(\": not a regular expression, missing closing ) at \"a(\"\nhint: see `tracer help filter-func-exclude`\n",
	"--filter-netns a,,b":                    "tracer: --filter-netns \"a,,b\": empty name in the list\nhint: see `tracer help filter-netns`\n",
	"--filter-ifname=":                       "tracer: --filter-ifname \"\": empty value\nhint: see `tracer help filter-ifname`\n",
	"--filter-ifname !":                      "tracer: --filter-ifname \"!\": empty name in the list\nhint: see `tracer help filter-ifname`\n",
	"--filter-pid 1,":                        "tracer: --filter-pid \"1,\": empty name in the list\nhint: see `tracer help filter-pid`\n",
	"--drop --filter-func ip_rcv":            "tracer: --filter-func \"ip_rcv\": --drop traces the drop tracepoint only, no functions\nhint: leave out --drop and use --filter-func 'ip_rcv|tp:kfree_skb' for these functions and the drops; or leave out --filter-func to trace only the drops\n",
	"--drop --filter-func-exclude a":         "tracer: --filter-func-exclude \"a\": --drop traces the drop tracepoint only, no functions\nhint: leave out --filter-func-exclude to trace only the drops, or --drop to trace functions too\n",
	"--filter-drop-reason 3 --filter-func a": "tracer: --filter-func \"a\": --filter-drop-reason traces the drop tracepoint only, no functions\nhint: leave out --filter-drop-reason and use --filter-func 'a|tp:kfree_skb' for these functions and the drops; or leave out --filter-func to trace only the drops\n",
	"--output-file-max-size 0":               "tracer: --output-file-max-size \"0\": not a number of MiB from 1 to 2147483647\nhint: see `tracer help output-file-max-size`\n",
	"--output-file-max-age -1":               "tracer: --output-file-max-age \"-1\": not a number of days from 0 to 2147483647\nhint: see `tracer help output-file-max-age`\n",
	"--output-file-max-size 5":               "tracer: --output-file-max-size: needs an --output-file\nhint: add --output-file FILE\n",
	"--output-file-compress":                 "tracer: --output-file-compress: needs an --output-file\nhint: add --output-file FILE\n",
	"--vxlan-ports 1,x":                      "tracer: --vxlan-ports \"1,x\": not a list of ports from 1 to 65535\nhint: see `tracer help vxlan-ports`\n",
	"--geneve-ports 0":                       "tracer: --geneve-ports \"0\": not a list of ports from 1 to 65535\nhint: see `tracer help geneve-ports`\n",
	"--set-percpu-buf x":                     "tracer: --set-percpu-buf \"x\": not a 32-bit number\nhint: see `tracer help set-percpu-buf`\n",
	"--track-entries 0":                      "tracer: --track-entries \"0\": not a number of sk_buffs from 1 to 2147483647\nhint: see `tracer help track-entries`\n",
	"--track-entries many":                   "tracer: --track-entries \"many\": not a number of sk_buffs from 1 to 2147483647\nhint: see `tracer help track-entries`\n",
	"--filter-non-skb-funcs=a,b(":            "tracer: --filter-non-skb-funcs \"a,b(\": \"b(\": not a regular expression, missing closing ) at \"b(\"\nhint: see `tracer help filter-non-skb-funcs`\n",
	"--filter-non-skb-funcs=a,":              "tracer: --filter-non-skb-funcs \"a,\": empty name in the list\nhint: see `tracer help filter-non-skb-funcs`\n",
	"--only-bpf --output-lookups all":        "tracer: --output-lookups: cannot be combined with --only-bpf, which traces BPF programs only\nhint: use --filter-trace-bpf tc,xdp,netfilter,cgroup_skb,sk_skb,lwt instead of --only-bpf to trace functions too\n",
	"--output-lookups icmp":                  "tracer: --output-lookups \"icmp\": \"icmp\": not one of all, route, neigh, conntrack, socket, qdisc\nhint: see `tracer help output-lookups`\n",
	"--output-lookups neigh,neigh":           "tracer: --output-lookups \"neigh,neigh\": \"neigh\" is named twice\nhint: see `tracer help output-lookups`\n",
	"--output-json=perhaps":                  "tracer: --output-json \"perhaps\": not true or false\nhint: see `tracer help output-json`\n",
	"--output-file ./a --ready-file a":       "tracer: --ready-file \"a\": is also the --output-file\nhint: name another file\n",
	"--=":                                    "tracer: arguments: bad flag syntax: --=\nhint: `tracer --help` lists the flags\n",
	"--color":                                "tracer: --color: value missing\nhint: see `tracer help color`\n",
	"--color red":                            "tracer: --color \"red\": not one of auto, always, never\nhint: see `tracer help color`\n",
	"--netns-names-max-length 0":             "tracer: --netns-names-max-length \"0\": not a number from 1 to 255\nhint: see `tracer help netns-names-max-length`\n",
	"--netns-names-max-length 256":           "tracer: --netns-names-max-length \"256\": not a number from 1 to 255\nhint: see `tracer help netns-names-max-length`\n",
	"--output-columns skb,":                  "tracer: --output-columns \"skb,\": empty name in the list\nhint: see `tracer help output-columns`\n",
	"--output-columns skb,skb":               "tracer: --output-columns \"skb,skb\": \"skb\" is named twice\nhint: see `tracer help output-columns`\n",
	"--output-columns skb,SKB":               "tracer: --output-columns \"SKB\": named twice\nhint: name each column once\n",
	"--output-columns skb,pid":               "tracer: --output-columns \"pid\": printed in JSON only, not in text\nhint: add --output-json\n",
	"--output-columns stack":                 "tracer: --output-columns \"stack\": printed below a row, and no column of the row is named\nhint: add a column such as func\n",
	"--output-columns Fnc":                   "tracer: --output-columns \"Fnc\": no such column\nhint: did you mean func? " + textColumns,
	"--output-columns x":                     "tracer: --output-columns \"x\": no such column\nhint: " + textColumns,
	"--output-skb-metadata a,a":              "tracer: --output-skb-metadata \"a,a\": \"a\" is named twice\nhint: see `tracer help output-skb-metadata`\n",
	"--output-columns skb_metadata":          "tracer: --output-columns \"skb_metadata\": no expressions are given\nhint: add --output-skb-metadata LIST\n",
	"--output-columns xdp_metadata":          "tracer: --output-columns \"xdp_metadata\": no expressions are given\nhint: add --output-xdp-metadata LIST\n",
	"--output-columns timestamp":             "tracer: --output-columns \"timestamp\": could be current or relative or monotonic\nhint: name one of them\n",
}

const textColumns = "the columns are time, skb, cpu, head, id, process, current, relative, monotonic, netns, mark, iface, proto, mtu, len, " +
	"cb, netns_name, tuple, tunnel, conntrack, func, lookup, netfilter, bpfmap, caller, skb_metadata, xdp_metadata, first, why, stack, skb_dump, skb_shared_info, or default, or all\n"

// TestRefused also checks that each error has a hint.
func TestRefused(t *testing.T) {
	for line, want := range refused {
		if !strings.Contains(want, "\nhint: ") {
			t.Errorf("%q: no hint", line)
		}
		var stdout, stderr bytes.Buffer
		code := Main(strings.Fields(line), &stdout, &stderr)
		want = strings.ReplaceAll(want, "4096", pageSize())
		if code != exitUsage || stdout.Len() != 0 || stderr.String() != want {
			t.Errorf("%q: exit %d, %q on stdout, stderr %q; want exit %d and %q", line, code, &stdout, &stderr, exitUsage, want)
		}
	}
}

func pageSize() string { return sizeValue{new(os.Getpagesize())}.String() }

func TestFlagsWithoutEffectAreNoted(t *testing.T) {
	var stdout, stderr bytes.Buffer
	Main(strings.Fields("--set-percpu-buf 4096 --filter-kprobe-batch 10 --filter-pid 0"), &stdout, &stderr)
	want := "note: --set-percpu-buf has no effect: the buffer fits the metadata of any packet\n" +
		"note: --filter-kprobe-batch has no effect: probes are always attached in parallel\n" +
		"tracer: process \"0\": not a process id, which is a positive number\nhint: `ps -e` lists process ids; --filter-comm takes names\n"
	if stdout.Len() != 0 || stderr.String() != want {
		t.Errorf("stderr %q, want %q", &stderr, want)
	}
}

// TestOmittedColumnsAreNoted checks that columns implied by another flag are not noted.
func TestOmittedColumnsAreNoted(t *testing.T) {
	for line, want := range map[string]string{
		"--output-columns func --timestamp relative":                  "--output-columns does not name relative: not printed",
		"--output-columns func --output-stack --output-caller":        "--output-columns does not name caller, stack: not printed",
		"--output-columns default --output-stack --timestamp current": "",
		"--output-columns func --drop":                                "",
		"--output-columns func --drop --output-stack":                 "--output-columns does not name stack: not printed",
		"--output-columns func --filter-track-skb":                    "",
		"--output-columns func --output-id":                           "--output-columns does not name id: not printed",
		"--output-columns func --output-json --filter-trace-tc":       "",
		"--output-columns func --output-tcp-seq --output-return":      "",
	} {
		o, err := parseTrace(strings.Fields(line))
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		if got := strings.Join(o.notes, "\n"); got != want {
			t.Errorf("%q: note %q, want %q", line, got, want)
		}
	}
}
