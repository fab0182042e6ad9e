// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"tracer/internal/app"
)

// version, commit and its date are set when a release is linked:
// -ldflags "-X tracer/internal/cli.version=v1.2.3 -X tracer/internal/cli.commit=0123abc -X tracer/internal/cli.date=2006-01-02".
var version, commit, date string

func versionCommand() command {
	return command{name: "version", help: "print the version, as --version does", run: runVersion}
}

func runVersion(args []string, stdout, _ io.Writer) error {
	if len(args) > 0 {
		return &usageError{text: fmt.Sprintf("version %q: takes no arguments", args[0]), hint: hostHint("version")}
	}
	return say(stdout, versionLine())
}

const shownCommit = 12

// versionName is that of the release, or of the module if `go install` built the binary.
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

// builtCommit is the commit recorded by the go command, marked if files had been changed.
func builtCommit() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return commitOf(info.Settings)
}

// releaseDate is that of the commit, empty if unknown; never today's, so that the same source
// makes the same page.
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
