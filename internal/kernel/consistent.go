// SPDX-License-Identifier: Apache-2.0

package kernel

// consistent tells whether whoever made this BTF left out functions of one name
// whose prototypes differ, so that one FUNC speaks for all of them. Before, the
// FUNC is that of whichever source file came first.
//
// The kernel asks pahole for that since 6.4 with --skip_encoding_btf_inconsistent_proto
// (pahole 1.25), and since 6.10 with --btf_features=consistent_func (scripts/Makefile.btf,
// pahole 1.26). BTF does not tell how it was made, but the same line of 6.10 asks for
// decl_tag_kfuncs, which leaves the tag bpf_kfunc behind. Without the tag we
// assume the worst.
func (t *types) consistent() bool {
	found := false
	t.each(kindDeclTag, func(r record) {
		found = found || string(t.name(r.name)) == "bpf_kfunc"
	})
	return found
}
