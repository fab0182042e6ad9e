// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// namedNetns is the folder where `ip netns` keeps the names of namespaces. Tests replace it.
var namedNetns = "/run/netns"

// containerNetns are the folders where container engines keep the names of theirs.
var containerNetns = []string{"/run/docker/netns", "/var/run/docker/netns"}

// NetnsFolders returns the folders whose entries are named network namespaces.
func NetnsFolders() []string { return append([]string{namedNetns}, containerNetns...) }

// errNotNetns is the error for an existing file that is not a network namespace.
var errNotNetns = errors.New("not a network namespace")

// OwnNetns is the path of the network namespace of the current thread. It is the namespace of the
// process, unless the thread has entered another one.
const OwnNetns = "/proc/thread-self/ns/net"

// NetnsInode returns the inode number and a path of a network namespace. spec is a path, a name as in
// `ip netns`, pid:N, or inode:N. The path is empty if no file refers to the namespace, which is only
// possible for inode:N.
func NetnsInode(spec string) (inode uint32, path string, err error) {
	kind, value, _ := strings.Cut(spec, ":")
	switch {
	case kind == "inode" && value != "":
		inode, path, err = netnsOfInode(value)
	case kind == "pid" && value != "":
		inode, path, err = netnsOfPID(value)
	case strings.Contains(spec, "/"):
		inode, path, err = netnsOfPath(spec)
	default:
		inode, path, err = netnsOfName(spec)
	}
	if err != nil {
		return 0, "", netnsError(spec, err)
	}
	return inode, path, nil
}

func netnsError(spec string, cause error) error {
	e := &Error{What: "netns", Value: spec, Cause: cause, hint: "give a /path, a name as in `ip netns`, inode:N or pid:N"}
	if names := NetnsNames(); len(names) > 0 {
		e.hint += "; the names are " + list(names)
	}
	if form := numberForm(spec); form != "" {
		e.Cause, e.hint = errors.New("no namespace has this name"), form
	}
	if errors.Is(cause, fs.ErrPermission) {
		e.hint = "run as root, or with CAP_SYS_PTRACE for the namespace of another process; if you are root, a container or security module forbids it: run tracer on the host"
	}
	return e
}

// firstInode is a lower bound of the inode numbers of namespaces. The kernel counts up from 0xF0000000;
// the initial namespaces have numbers just below that.
const firstInode = 0xE0000000

// numberForm returns a hint how to name a namespace by a number. It is empty for other words.
func numberForm(spec string) string {
	n, err := strconv.ParseUint(spec, 10, 32)
	switch {
	case err != nil || n == 0:
		return ""
	case n < firstInode:
		return fmt.Sprintf("type --filter-netns pid:%d for the namespace of this process, or inode:%d for the one with this inode number", n, n)
	}
	return fmt.Sprintf("type --filter-netns inode:%d for the namespace with this inode number", n)
}

// NetnsNames returns the names that `ip netns` lists.
func NetnsNames() []string {
	entries, _ := os.ReadDir(namedNetns) // no directory: no names
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func netnsOfName(name string) (uint32, string, error) {
	if name == "" {
		return 0, "", errors.New("empty name")
	}
	return netnsOfPath(filepath.Join(namedNetns, name))
}

func netnsOfPID(value string) (uint32, string, error) {
	if _, err := strconv.ParseUint(value, 10, 31); err != nil {
		return 0, "", errors.New("not a process id")
	}
	inode, path, err := netnsOfPath("/proc/" + value + "/ns/net")
	if errors.Is(err, fs.ErrNotExist) {
		err = unix.ESRCH
	}
	return inode, path, err
}

func netnsOfPath(path string) (uint32, string, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = unix.Close(fd) }() // only read from
	if kind, err := unix.IoctlRetInt(fd, unix.NS_GET_NSTYPE); err != nil || kind != unix.CLONE_NEWNET {
		return 0, "", errNotNetns
	}
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return 0, "", err
	}
	return uint32(stat.Ino), path, nil
}

func netnsOfInode(value string) (uint32, string, error) {
	inode, err := strconv.ParseUint(value, 10, 32)
	if err != nil || inode == 0 {
		return 0, "", errors.New("not an inode number")
	}
	return uint32(inode), pathOfInode(uint32(inode)), nil
}

// pathOfInode looks at each file that may refer to a namespace. It skips those that can't be read: without
// a path, only interfaces can't be looked up.
func pathOfInode(inode uint32) string {
	for _, path := range slices.Concat(namedNetnsPaths(), []string{"/proc/self/ns/net"}, processNetnsPaths()) {
		if found, _, err := netnsOfPath(path); err == nil && found == inode {
			return path
		}
	}
	return ""
}
