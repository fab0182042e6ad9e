// SPDX-License-Identifier: Apache-2.0

package explain

import "slices"

// addNotes adds the notes that hold for a drop, and the keys of their values.
func (a *Answer) addNotes(t *Table, d *Drop) {
	for _, c := range t.causes {
		if !c.Note || !c.holds(d, d.Values) {
			continue
		}
		text, known := c.text.fill(d.Values)
		if !known {
			continue
		}
		a.Notes += "; " + text
		for _, key := range c.keys() {
			if !slices.Contains(a.Keys, key) {
				a.Keys = append(a.Keys, key)
			}
		}
	}
}
