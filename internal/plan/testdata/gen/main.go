// SPDX-License-Identifier: Apache-2.0

// Gen writes the names of the functions and tracepoints that can be traced on several kernels, for the tests
// of the presets: go run ./internal/plan/testdata/gen FOLDER... >internal/plan/testdata/traceable
//
// A folder has the name of the kernel, and contains its vmlinux, kallsyms, affa
// (available_filter_functions_addrs), aff (available_filter_functions) and
// blacklist (kprobes/blacklist). Every other file is the BTF of a module.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tracer/internal/kernel"
)

func main() {
	log.SetFlags(0)
	where := map[string][]bool{}
	for i, folder := range os.Args[1:] {
		for _, name := range traceable(folder) {
			if where[name] == nil {
				where[name] = make([]bool, len(os.Args)-1)
			}
			where[name][i] = true
		}
	}
	print(where)
}

// print writes a line with the kernels, and a line for each name, with an x for each kernel that has it.
func print(where map[string][]bool) {
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	for _, folder := range os.Args[1:] {
		fmt.Fprintf(w, "%s ", filepath.Base(folder))
	}
	fmt.Fprintln(w)
	for _, name := range slices.Sorted(maps.Keys(where)) {
		for _, there := range where[name] {
			fmt.Fprint(w, map[bool]string{true: "x", false: "."}[there])
		}
		fmt.Fprintln(w, "", name)
	}
}

// traceable returns the functions, and the tracepoints with the prefix `tp:`.
func traceable(folder string) []string {
	facts, err := kernel.FactsFrom(sources(folder))
	if err != nil {
		log.Fatalf("%s: %v", folder, err)
	}
	var names []string
	for _, f := range facts.Functions {
		names = append(names, f.Name)
	}
	for _, t := range facts.Tracepoints {
		names = append(names, "tp:"+t.Name)
	}
	return names
}

func sources(folder string) kernel.Sources {
	files := read(folder)
	s := kernel.Sources{Arch: "amd64", BTF: files["vmlinux"], Modules: files}
	if strings.HasSuffix(folder, "arm64") {
		s.Arch = "arm64"
	}
	s.Symbols, s.Blacklist = reader(files["kallsyms"]), reader(files["blacklist"])
	s.Places, s.Names = reader(files["affa"]), reader(files["aff"])
	for _, name := range []string{"vmlinux", "kallsyms", "blacklist", "affa", "aff"} {
		delete(files, name)
	}
	return s
}

// reader returns nil for a file that is missing or empty.
func reader(b []byte) io.Reader {
	if len(b) == 0 {
		return nil
	}
	return bytes.NewReader(b)
}

func read(folder string) map[string][]byte {
	entries, err := os.ReadDir(folder)
	if err != nil {
		log.Fatal(err)
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(folder, e.Name())); err != nil {
			log.Fatal(err)
		}
	}
	return files
}
