// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mountinfo lists the mounts of this process. Tests replace it.
var mountinfo = "/proc/self/mountinfo"

var (
	errNoCgroup2 = errors.New("cgroup2 is not mounted")
	errNotCgroup = errors.New("not a cgroup2 control group")
	errCgroupID  = errors.New("no control group has that id")
)

// Cgroup returns the id of a cgroup2 control group. spec is a path below a cgroup2 mount, a path as in
// /proc/PID/cgroup, or the id itself.
func Cgroup(spec string) (uint64, error) {
	id, err := cgroupOf(spec)
	if err != nil {
		return 0, cgroupError(spec, err)
	}
	return id, nil
}

func cgroupError(spec string, cause error) error {
	var path *fs.PathError
	if errors.As(cause, &path) {
		cause = path.Err
	}
	e := &Error{What: "cgroup", Value: spec, Cause: cause, hint: "name a path below the cgroup2 mount, such as system.slice/ssh.service, or a cgroup id"}
	if cause == errNoCgroup2 {
		e.hint = "mount it: `mount -t cgroup2 none /sys/fs/cgroup`"
	}
	return e
}

func cgroupOf(spec string) (uint64, error) {
	mounts, err := cgroupMounts()
	if err != nil {
		return 0, err
	}
	if id, err := strconv.ParseUint(spec, 10, 64); err == nil {
		return id, findCgroup(id, mounts[0])
	}
	return cgroupID(locate(spec, mounts))
}

// CgroupsBelow returns the names of the children of a cgroup2 control group. Those that have children
// themselves end with a slash.
func CgroupsBelow(spec string) []string {
	mounts, err := cgroupMounts()
	if err != nil {
		return nil
	}
	folder := locate(spec, mounts)
	var names []string
	for _, name := range folders(folder) {
		if len(folders(filepath.Join(folder, name))) > 0 {
			name += "/"
		}
		names = append(names, name)
	}
	return names
}

// folders returns the names of the folders in a folder, none if it does not exist.
func folders(path string) []string {
	entries, _ := os.ReadDir(path)
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

// locate returns the path in the file system of a control group. spec may already be such a path.
func locate(spec string, mounts []string) string {
	path := filepath.Clean("/" + spec)
	for _, mount := range mounts {
		if path == mount || strings.HasPrefix(path, mount+"/") {
			return path
		}
	}
	return filepath.Join(mounts[0], path)
}

// findCgroup looks at every control group below the mount. It skips those that are removed meanwhile.
func findCgroup(id uint64, mount string) error {
	found := false
	err := filepath.WalkDir(mount, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return nil
		}
		if its, err := cgroupID(path); err == nil && its == id {
			found = true
			return fs.SkipAll
		}
		return nil
	})
	if !found && err == nil {
		err = errCgroupID
	}
	return err
}

// cgroupID returns the inode number of the folder, which is the id of the control group.
func cgroupID(path string) (uint64, error) {
	var (
		kind unix.Statfs_t
		stat unix.Stat_t
	)
	if err := unix.Stat(path, &stat); err != nil {
		return 0, err
	}
	if err := unix.Statfs(path, &kind); err != nil {
		return 0, err
	}
	if kind.Type != unix.CGROUP2_SUPER_MAGIC || stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		return 0, errNotCgroup
	}
	return stat.Ino, nil
}

// cgroupMounts returns the mount points of cgroup2, at least one.
func cgroupMounts() ([]string, error) {
	text, err := os.ReadFile(mountinfo)
	if err != nil {
		return nil, err
	}
	var mounts []string
	for line := range strings.Lines(string(text)) {
		if mount := parseMount(line); mount != "" {
			mounts = append(mounts, mount)
		}
	}
	if len(mounts) == 0 {
		return nil, errNoCgroup2
	}
	return mounts, nil
}

// escapes replaces the escape sequences of mountinfo.
var escapes = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)

// parseMount returns the mount point in a line of mountinfo, its fifth field, if the type of file system,
// which follows a dash, is cgroup2.
func parseMount(line string) string {
	before, after, _ := strings.Cut(line, " - ")
	fields := strings.Fields(before)
	if len(fields) < 5 || !strings.HasPrefix(after, "cgroup2 ") {
		return ""
	}
	return escapes.Replace(fields[4])
}
