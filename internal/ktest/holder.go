// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// idLine matches the id of a descriptor's BPF object in its fdinfo.
var idLine = regexp.MustCompile(`(?m)^(prog|map|link)_id:\s*(\d+)$`)

var kinds = map[string]string{"prog": "program", "map": "map", "link": "link"}

// heldByOthers returns the BPF objects that other processes have open. They belong to other users of BPF on
// this machine, and are not leaks.
func heldByOthers() Inventory {
	var held Inventory
	files, _ := filepath.Glob("/proc/[0-9]*/fdinfo/*")
	own := fmt.Sprintf("/proc/%d/", os.Getpid())
	for _, file := range files {
		if strings.HasPrefix(file, own) {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			continue // closed meanwhile
		}
		held = append(held, objects(string(text))...)
	}
	return held
}

// objects returns the BPF objects in the fdinfo of a descriptor. A link also has the id of its program.
func objects(fdinfo string) Inventory {
	var list Inventory
	for _, m := range idLine.FindAllStringSubmatch(fdinfo, -1) {
		list = append(list, fmt.Sprintf("BPF %s %s", kinds[m[1]], m[2]))
	}
	return list
}
