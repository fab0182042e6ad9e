// SPDX-License-Identifier: Apache-2.0

package live

import (
	"strings"

	"tracer/internal/input"
	"tracer/internal/plan"
)

// sides splits a list into the words without a leading !, which negates, and those with it, which it removes.
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

// resolveNetdevs looks up network namespaces and interfaces. Interfaces are those of our own namespace if no
// namespaces are selected.
func resolveNetdevs(c Config, o *plan.Options) error {
	wanted, unwanted := sides(c.Ifnames)
	namespaces := c.Netns
	if in, _ := sides(namespaces); len(wanted) > 0 && len(in) == 0 {
		namespaces = append([]string{input.OwnNetns}, namespaces...)
	}
	paths, err := resolveNetns(namespaces, &o.Netns)
	if err != nil {
		return err
	}
	o.Ifnames = plan.Ifnames{In: wanted, Out: unwanted}
	return checkIfnames(o.Ifnames, paths)
}

// resolveNetns looks up namespaces. It returns the paths of those that are not negated, or none if one of them
// has no path.
func resolveNetns(list []string, to *plan.Netns) (paths []string, err error) {
	in, out := sides(list)
	if to.In, paths, err = inodes(in); err != nil {
		return nil, err
	}
	to.Out, _, err = inodes(out)
	return paths, err
}

// inodes returns the inode numbers and paths of namespaces. It returns no paths if one of them is not known.
func inodes(specs []string) (numbers []uint32, paths []string, err error) {
	known := true
	for _, spec := range specs {
		inode, path, err := input.NetnsInode(spec)
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

// checkIfnames finds typos: a selected interface must exist in one of the namespaces, if their paths are
// known.
func checkIfnames(names plan.Ifnames, netnsPaths []string) error {
	for _, name := range append(names.In[:len(names.In):len(names.In)], names.Out...) {
		if err := input.CheckIfname(name); err != nil {
			return err
		}
	}
	if len(netnsPaths) == 0 {
		return nil
	}
	for _, name := range names.In {
		if err := input.HaveIfname(name, netnsPaths); err != nil {
			return err
		}
	}
	return nil
}
