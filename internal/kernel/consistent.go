// SPDX-License-Identifier: Apache-2.0

package kernel

// consistent reports whether functions with the same name but different prototypes were left out of this BTF,
// so that the FUNC of a name is valid for every function with this name. Otherwise the FUNC describes the
// function of whichever source file came first.
//
// The kernel build has asked pahole for that since 6.4 with --skip_encoding_btf_inconsistent_proto (pahole
// 1.25), and since 6.10 with --btf_features=consistent_func (scripts/Makefile.btf, pahole 1.26). BTF does not
// say how it was made, but the same line of 6.10 asks for decl_tag_kfuncs, which adds the tag bpf_kfunc.
// Without this tag the BTF is considered inconsistent.
func (t *types) consistent() bool {
	found := false
	t.each(kindDeclTag, func(r record) {
		found = found || string(t.name(r.name)) == "bpf_kfunc"
	})
	return found
}
