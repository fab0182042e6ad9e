// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
)

// reasons are the drop reasons of t itself: enum skb_drop_reason, and the enums
// of subsystems (mac80211_drop_reason, ovs_drop_reason), whose values have the
// number of the subsystem in the upper 16 bits. nil when there are none.
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

// isBound tells a member that is no reason: the mask and the ends of an enum.
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

// reasonModules are the modules that have drop reasons of their own. Their names
// are wanted whether or not their functions are traced.
var reasonModules = []string{"mac80211", "openvswitch"}

// otherReasons are those of loaded modules that are not among images. What can't
// be read has no names.
func otherReasons(images []image) map[uint32]string {
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
