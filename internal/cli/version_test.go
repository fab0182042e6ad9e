// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"regexp"
	"runtime/debug"
	"testing"
)

func TestVersionLine(t *testing.T) {
	defer func(v, c string) { version, commit = v, c }(version, commit)
	version, commit = "v1.2.3", "0123456789abcdef0123"
	want := regexp.MustCompile(`^tracer v1\.2\.3 \(commit 0123456789ab, linux/\w+, libpcap .+\)\n$`)
	if got := versionLine(); !want.MatchString(got) {
		t.Errorf("%q, want a match of %s", got, want)
	}
}

func TestCommitOf(t *testing.T) {
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef"}
	changed := debug.BuildSetting{Key: "vcs.modified", Value: "true"}
	for want, settings := range map[string][]debug.BuildSetting{
		"":                     {changed},
		"0123456789ab":         {revision, {Key: "vcs.modified", Value: "false"}},
		"0123456789ab+changed": {changed, revision},
	} {
		if got := commitOf(settings); got != want {
			t.Errorf("%v: commit %q, want %q", settings, got, want)
		}
	}
}
