// SPDX-License-Identifier: Apache-2.0

package ktest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// idLine is how the kernel tells which BPF object a descriptor is.
var idLine = regexp.MustCompile(`(?m)^(prog|map|link)_id:\s*(\d+)$`)

var kinds = map[string]string{"prog": "program", "map": "map", "link": "link"}

// heldByOthers is the BPF that other living processes have open: it belongs to
// them, whoever else uses BPF on this machine, and is nobody's leak.
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

// objects are the BPF objects that a descriptor's fdinfo names: a link has its
// program's id too.
func objects(fdinfo string) Inventory {
	var list Inventory
	for _, m := range idLine.FindAllStringSubmatch(fdinfo, -1) {
		list = append(list, fmt.Sprintf("BPF %s %s", kinds[m[1]], m[2]))
	}
	return list
}
