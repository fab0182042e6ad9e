// SPDX-License-Identifier: Apache-2.0

package tracer_test

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documents returns the text of each Markdown file at the root and in docs, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts[file] = string(text)
		}
	}
	if len(texts) < 10 {
		t.Fatalf("only %d documents", len(texts))
	}
	return texts
}

var (
	fences   = regexp.MustCompile("(?ms)^```.*?^```$")
	code     = regexp.MustCompile("`[^`\n]+`")
	links    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headings = regexp.MustCompile(`(?m)^#+ +(.*)$`)
)

// TestLinksLeadSomewhere checks that each link between documents has an existing target: a file,
// and a heading in it if the link has an anchor.
func TestLinksLeadSomewhere(t *testing.T) {
	texts := documents(t)
	for file, text := range texts {
		text = code.ReplaceAllString(fences.ReplaceAllString(text, ""), "")
		for _, link := range links.FindAllStringSubmatch(text, -1) {
			if broken := brokenLink(texts, os.DirFS("."), file, link[1]); broken != "" {
				t.Errorf("%s: link %q: %s", file, link[1], broken)
			}
		}
	}
}

// brokenLink says why the target of a link does not exist. It is empty for working links and
// for links to other sites.
func brokenLink(texts map[string]string, tree fs.FS, file, link string) string {
	if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
		return ""
	}
	name, anchor, _ := strings.Cut(link, "#")
	target := file
	if name != "" {
		target = path.Join(path.Dir(file), name)
	}
	if _, known := texts[target]; !known && !exists(tree, target) {
		return "no such file"
	}
	if anchor != "" && !slices.Contains(anchors(texts[target]), anchor) {
		return "no such heading"
	}
	return ""
}

func exists(tree fs.FS, name string) bool {
	_, err := fs.Stat(tree, name)
	return err == nil
}

// anchors returns the anchors of the headings in a text, as GitHub generates them.
func anchors(text string) (all []string) {
	for _, heading := range headings.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
		all = append(all, anchorOf(heading[1]))
	}
	return all
}

var notInAnchors = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

func anchorOf(heading string) string {
	return strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

func TestBrokenLinksAreFound(t *testing.T) {
	texts := map[string]string{"README.md": "# A\n```\n# no heading\n```\n", "docs/a.md": "## What it does: `--x`, y's\n"}
	tree := os.DirFS(".")
	for link, want := range map[string]string{
		"https://example.org/x":   "",
		"#what-it-does---x-ys":    "",
		"../README.md":            "",
		"../README.md#a":          "",
		"../README.md#no-heading": "no such heading",
		"#what":                   "no such heading",
		"nowhere.md":              "no such file",
		"install.md#" + anchorOf("Check what you do"): "no such heading",
	} {
		if got := brokenLink(texts, tree, "docs/a.md", link); got != want {
			t.Errorf("%s: %q, want %q", link, got, want)
		}
	}
}

// repository is the placeholder for the address of this repository. It occurs in one document;
// all others refer to that one.
const repository, repositoryIsIn = "OWNER/REPOSITORY", "docs/install.md"

func TestTheRepositorysAddressStandsInOnePlace(t *testing.T) {
	for file, text := range documents(t) {
		want := 0
		if file == repositoryIsIn {
			want = 1
		}
		if got := strings.Count(text, repository); got != want {
			t.Errorf("%s has %q %d times, want %d", file, repository, got, want)
		}
	}
}
