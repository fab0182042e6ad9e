// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"

	"tracer/internal/printable"

	"github.com/jsimonetti/rtnetlink/v2"
	"github.com/mdlayher/netlink"
)

// listMost is how many names a hint lists.
const listMost = 12

// CheckIfname returns an error if a pattern for the names of interfaces is not valid. A trailing * matches
// any suffix.
func CheckIfname(pattern string) error { return checkPattern("interface", pattern) }

// HaveIfname returns an error if none of the network namespaces at the paths has an interface of this
// name. Patterns are accepted, since they also match interfaces created later.
func HaveIfname(name string, netnsPaths []string) error {
	if isPrefix(name) {
		return nil
	}
	var there []string
	for _, path := range netnsPaths {
		links, err := linksOf(path)
		if err != nil {
			return linksError(name, path, err)
		}
		there = append(there, ifnames(links)...)
	}
	if slices.Contains(there, name) {
		return nil
	}
	return unknownInterface(name, netnsPaths, there)
}

// Ifnames returns the names of the interfaces in a network namespace; spec is as for [NetnsInode].
func Ifnames(spec string) ([]string, error) {
	_, path, err := NetnsInode(spec)
	if err != nil {
		return nil, err
	}
	links, err := linksOf(path)
	if err != nil {
		return nil, err
	}
	return ifnames(links), nil
}

func ifnames(links []rtnetlink.LinkMessage) []string {
	var names []string
	for _, link := range links {
		names = append(names, link.Attributes.Name)
	}
	return names
}

// linksOf lists the interfaces through a netlink socket created in the namespace. It locks the OS thread,
// so that the same thread's namespace is compared and used.
func linksOf(netnsPath string) ([]rtnetlink.LinkMessage, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	config, closeNetns, err := socketConfig(netnsPath)
	if err != nil {
		return nil, err
	}
	defer closeNetns()
	conn, err := rtnetlink.Dial(config)
	if err != nil {
		return nil, err
	}
	links, err := conn.Link.List()
	return links, errors.Join(err, conn.Close())
}

func socketConfig(netnsPath string) (*netlink.Config, func(), error) {
	if isOurs(netnsPath) {
		return nil, func() {}, nil
	}
	f, err := os.Open(netnsPath)
	if err != nil {
		return nil, nil, err
	}
	return &netlink.Config{NetNS: int(f.Fd())}, func() { _ = f.Close() }, nil
}

// isOurs reports whether the path refers to the namespace of the current thread, which can be used without
// a privilege to enter namespaces.
func isOurs(netnsPath string) bool {
	ours, err := os.Stat(OwnNetns)
	if err != nil {
		return false
	}
	other, err := os.Stat(netnsPath)
	return err == nil && os.SameFile(ours, other)
}

func linksError(name, netnsPath string, cause error) error {
	e := &Error{What: "interface", Value: name, Cause: fmt.Errorf("netns %s: %w", printable.Quote(netnsPath), cause)}
	if errors.Is(cause, fs.ErrPermission) {
		e.hint = "run as root, or with CAP_SYS_ADMIN, to look into another network namespace"
	}
	return e
}

func unknownInterface(name string, netnsPaths, names []string) error {
	e := &Error{What: "interface", Value: name, Cause: errors.New("no such interface")}
	switch {
	case len(netnsPaths) > 1:
		e.Cause = errors.New("no such interface in any of the namespaces")
	case !isOurs(netnsPaths[0]):
		e.Cause = fmt.Errorf("no such interface in netns %s", printable.Quote(netnsPaths[0]))
	}
	e.hint = fmt.Sprintf("the interfaces there are %s; %s* also matches interfaces created later", list(byLikeness(name, names)), nameIn(name))
	if others := netnsWith(name, netnsPaths); len(others) > 0 {
		e.hint = elsewhereHint(name, others)
	}
	return e
}

// elsewhereHint names the other namespaces that have the interface, and the flags to type.
func elsewhereHint(name string, netns []string) string {
	where := "namespace " + list(netns) + " has it"
	if len(netns) > 1 {
		where = "namespaces " + list(netns) + " have it"
	}
	return fmt.Sprintf("%s: type --filter-netns %s --filter-ifname %s", where, nameIn(netns[0]), nameIn(name))
}

// byLikeness sorts names by the length of the prefix that they share with name, the longest first.
func byLikeness(name string, names []string) []string {
	sorted := slices.Compact(slices.Sorted(slices.Values(names)))
	slices.SortStableFunc(sorted, func(a, b string) int { return samePrefix(name, b) - samePrefix(name, a) })
	return sorted
}

func samePrefix(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// list joins the names, at most listMost of them.
func list(names []string) string {
	if more := len(names) - listMost; more > 0 {
		return fmt.Sprintf("%s and %d more", joined(names[:listMost]), more)
	}
	return joined(names)
}

func joined(names []string) string {
	shown := make([]string, len(names))
	for i, name := range names {
		shown[i] = nameIn(name)
	}
	return strings.Join(shown, ", ")
}

// nameIn quotes a name with characters that could break a message. Other users may have chosen it.
func nameIn(name string) string {
	if quoted := printable.Quote(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}
