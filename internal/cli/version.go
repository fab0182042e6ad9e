// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"tracer/internal/app"
)

// release and commit are set when a release is linked:
// -ldflags "-X tracer/internal/cli.version=v1.2.3 -X tracer/internal/cli.commit=0123abc".
var version, commit string

const shownCommit = 12

// versionName is the release's, or the module's where `go install` made the binary.
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

// builtCommit is the commit that the go command saw, with a mark when files had been changed.
func builtCommit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return commitOf(info.Settings)
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
