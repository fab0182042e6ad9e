// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"tracer/internal/app"
)

// The linker sets version, commit and the date of the commit for a release:
// -ldflags "-X tracer/internal/cli.version=v1.2.3 -X tracer/internal/cli.commit=0123abc -X tracer/internal/cli.date=2006-01-02".
var version, commit, date string

const shownCommit = 12

// versionName returns the version of the release, or of the module if `go install` built the binary.
func versionName() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return cmp.Or(version, info.Main.Version, "unknown")
}

func versionLine() string {
	return fmt.Sprintf("tracer %s (commit %s, %s/%s, %s)\n",
		versionName(), cmp.Or(shortCommit(commit), builtCommit(), "unknown"), runtime.GOOS, runtime.GOARCH, app.LibpcapVersion())
}

// builtCommit returns the commit that the go command recorded, marked if the tree had changes.
func builtCommit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return commitOf(info.Settings)
}

// releaseDate returns the date of the commit, or an empty string if it is unknown. It is never today's
// date, so that the same source makes the same page.
func releaseDate() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return date
	}
	return cmp.Or(date, dateOf(info.Settings))
}

func dateOf(settings []debug.BuildSetting) string {
	for _, s := range settings {
		if day, _, found := strings.Cut(s.Value, "T"); s.Key == "vcs.time" && found {
			return day
		}
	}
	return ""
}

func commitOf(settings []debug.BuildSetting) string {
	revision, changed := "", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			revision = shortCommit(s.Value)
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+changed"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + changed
}

func shortCommit(hash string) string { return hash[:min(len(hash), shownCommit)] }
