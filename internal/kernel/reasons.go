// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
)

// reasons returns the drop reasons in t, but not in its base: those of enum skb_drop_reason, and of the enums
// of subsystems (mac80211_drop_reason, ovs_drop_reason), whose values have the number of the subsystem in the
// upper 16 bits. It returns nil if there are none.
func (t *types) reasons() map[uint32]string {
	var out map[uint32]string
	t.each(kindEnum, func(r record) {
		if name := t.name(r.name); bytes.HasSuffix(name, []byte("_drop_reason")) {
			out = t.addReasons(out, r, string(name) != "skb_drop_reason")
		}
	})
	return out
}

func (t *types) addReasons(out map[uint32]string, enum record, subsystem bool) map[uint32]string {
	if out == nil {
		out = map[uint32]string{}
	}
	for _, m := range enum.pairs() {
		name := t.name(m.name)
		if subsystem && m.value>>16 == 0 || isBound(name) {
			continue
		}
		out[m.value] = string(name)
	}
	return out
}

// isBound reports whether an enumerator is not a reason, but the mask or the end of the enum.
func isBound(name []byte) bool {
	return bytes.HasSuffix(name, []byte("_MAX")) || bytes.HasSuffix(name, []byte("_MASK"))
}

func mergeReasons(all ...map[uint32]string) map[uint32]string {
	var out map[uint32]string
	for _, m := range all {
		if out == nil {
			out = m
			continue
		}
		maps.Copy(out, m)
	}
	return out
}

// reasonModules are modules that define drop reasons. Their names are needed whether or not the modules'
// functions are traced.
var reasonModules = []string{"mac80211", "openvswitch"}

// moduleReasons returns the drop reasons of those reasonModules whose BTF can be read.
func moduleReasons(images []image) map[uint32]string {
	var out map[uint32]string
	for _, name := range reasonModules {
		raw, err := os.ReadFile(filepath.Join(btfDir, name))
		if err != nil {
			continue
		}
		if t, err := parseTypes(raw, images[0].types); err == nil {
			out = mergeReasons(out, t.reasons())
		}
	}
	return out
}
