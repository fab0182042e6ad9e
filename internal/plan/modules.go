// SPDX-License-Identifier: Apache-2.0

package plan

// ReadsConnections reports whether the programs read entries of connection tracking (struct
// nf_conn).
func (p *Plan) ReadsConnections() bool {
	c := &p.BPF.Config
	return c.Conntrack || c.Variants || c.First
}

// Modules returns the kernel modules whose types the programs read. If one is built into the kernel,
// its types are in the BTF of vmlinux.
func (p *Plan) Modules() []string {
	var modules []string
	if p.ReadsConnections() {
		modules = append(modules, "nf_conntrack")
	}
	c := &p.BPF.Config
	if c.Netfilter || c.NftDoChain.Size > 0 {
		modules = append(modules, "nf_tables")
	}
	if c.Netfilter || c.XtRules || c.EbtDoTable != 0 {
		modules = append(modules, "x_tables")
	}
	if c.Netfilter || c.EbtDoTable != 0 {
		modules = append(modules, "ebtables")
	}
	return modules
}
