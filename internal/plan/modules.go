// SPDX-License-Identifier: Apache-2.0

package plan

// ReadsConnections reports whether the programs read entries of connection tracking (struct
// nf_conn).
func (p *Plan) ReadsConnections() bool {
	c := &p.BPF.Config
	return c.Conntrack || c.Variants || c.First
}

// Modules are the kernel modules whose types the programs look into, wherever they are:
// what is built into vmlinux is described there.
func (p *Plan) Modules() []string {
	var modules []string
	if p.ReadsConnections() {
		modules = append(modules, "nf_conntrack")
	}
	if p.BPF.Config.Netfilter {
		modules = append(modules, "nf_tables", "x_tables", "ebtables")
	}
	return modules
}
