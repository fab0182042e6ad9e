// SPDX-License-Identifier: Apache-2.0

package app

import (
	"strings"

	"tracer/internal/enrich"
	"tracer/internal/plan"
)

// sides splits a list into what is asked for and what is negated by a ! in front.
func sides(list []string) (in, out []string) {
	for _, word := range list {
		if name, negated := strings.CutPrefix(word, "!"); negated {
			out = append(out, name)
		} else {
			in = append(in, word)
		}
	}
	return in, out
}

// resolvePlace looks up network namespaces and interfaces. Interfaces that are
// asked for are those of our own namespace, unless others are asked for.
func resolvePlace(cfg Config, o *plan.Options) error {
	wanted, unwanted := sides(cfg.Ifnames)
	namespaces := cfg.Netns
	if in, _ := sides(namespaces); len(wanted) > 0 && len(in) == 0 {
		namespaces = append([]string{enrich.OwnNetns}, namespaces...)
	}
	paths, err := resolveNetns(namespaces, &o.Netns)
	if err != nil {
		return err
	}
	o.Ifnames = plan.Ifnames{In: wanted, Out: unwanted}
	return checkIfnames(o.Ifnames, paths)
}

// resolveNetns looks namespaces up and returns what leads to those that are asked
// for, nothing where one of them can't be looked into.
func resolveNetns(list []string, to *plan.Netns) (paths []string, err error) {
	in, out := sides(list)
	if to.In, paths, err = inodes(in); err != nil {
		return nil, err
	}
	to.Out, _, err = inodes(out)
	return paths, err
}

// inodes leaves out all paths where one is not known.
func inodes(specs []string) (numbers []uint32, paths []string, err error) {
	known := true
	for _, spec := range specs {
		inode, path, err := enrich.NetnsInode(spec)
		if err != nil {
			return nil, nil, err
		}
		known = known && path != ""
		numbers, paths = append(numbers, inode), append(paths, path)
	}
	if !known {
		paths = nil
	}
	return numbers, paths, nil
}

// checkIfnames finds slips of the fingers: a name that is asked for has to be
// there, where it can be seen.
func checkIfnames(names plan.Ifnames, netnsPaths []string) error {
	for _, name := range append(names.In[:len(names.In):len(names.In)], names.Out...) {
		if err := enrich.CheckIfname(name); err != nil {
			return err
		}
	}
	if len(netnsPaths) == 0 {
		return nil
	}
	for _, name := range names.In {
		if err := enrich.HaveIfname(name, netnsPaths); err != nil {
			return err
		}
	}
	return nil
}
