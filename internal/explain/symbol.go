// SPDX-License-Identifier: Apache-2.0

package explain

// Symbol is a kernel variable that expressions may name. In expressions, it is a pointer to the variable, whose address
// is in kallsyms.
type Symbol struct {
	Name string
	// Struct is the struct of the variable. If it is empty, the variable is a number of Size bytes.
	Struct string
	Size   uint32
	Signed bool
	Module string
}

// Symbols are all variables that the table's expressions use. They have types here because BTF has only per-CPU variables.
var Symbols = []Symbol{
	{Name: "__per_cpu_offset", Size: 8},
	{Name: "jiffies", Size: 8},
	{Name: "arp_tbl", Struct: "neigh_table"},
	{Name: "nd_tbl", Struct: "neigh_table"},
	{Name: "raw_v4_hashinfo", Struct: "raw_hashinfo"},
	{Name: "raw_v6_hashinfo", Struct: "raw_hashinfo"},
	{Name: "softnet_data", Struct: "softnet_data"},
	{Name: "net_hotdata", Struct: "net_hotdata"},        // 6.9
	{Name: "netdev_max_backlog", Size: 4, Signed: true}, // until 6.8
	{Name: "nf_queue_handler", Size: 8},                 // NULL without the module nfnetlink_queue; 5.14
	{Name: "nf_conntrack_max", Size: 4, Module: "nf_conntrack"},
	{Name: "nf_conntrack_net_id", Size: 4, Module: "nf_conntrack"}, // 5.12
}
