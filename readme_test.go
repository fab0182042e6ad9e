// SPDX-License-Identifier: Apache-2.0

package tracer_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// blocks are the contents of the fenced blocks of a text.
func blocks(text string) (all []string) {
	for i, part := range strings.Split("\n"+text, "\n```") {
		if i%2 == 1 {
			all = append(all, strings.TrimPrefix(part, "\n"))
		}
	}
	return all
}

// TestOutputsOfTheREADMEFit: what the README shows of a terminal fits 100 columns.
func TestOutputsOfTheREADMEFit(t *testing.T) {
	const columns = 100
	shown := blocks(documents(t)["README.md"])
	if len(shown) < 5 {
		t.Fatalf("only %d blocks", len(shown))
	}
	for _, block := range shown {
		for line := range strings.Lines(block) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > columns {
				t.Errorf("%d columns, want at most %d: %s", n, columns, line)
			}
		}
	}
}

// TestExamplesOfTheREADMEAreProblems: the virtual machines run the commands of docs/problems.md, and
// so those of the README.
func TestExamplesOfTheREADMEAreProblems(t *testing.T) {
	texts := documents(t)
	examples := 0
	for _, block := range blocks(texts["README.md"]) {
		command, _, _ := strings.Cut(block, "\n")
		if !strings.HasPrefix(command, "$ ") {
			continue
		}
		examples++
		if !strings.Contains(texts["docs/problems.md"], "\n"+command+"\n") {
			t.Errorf("README.md: docs/problems.md does not have %q", command)
		}
	}
	if examples != 4 {
		t.Errorf("%d examples, want 4", examples)
	}
}

var picture = regexp.MustCompile(`!\[[^\]]+\]\(([^)]+)\)`)

// TestPictureOfTheREADME: the picture is there, small, well-formed, and shows a run to its end.
func TestPictureOfTheREADME(t *testing.T) {
	const most = 200_000
	link := picture.FindStringSubmatch(documents(t)["README.md"])
	if link == nil {
		t.Fatal("README.md has no picture")
	}
	b, err := os.ReadFile(link[1])
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > most {
		t.Errorf("%s has %d bytes, want at most %d", link[1], len(b), most)
	}
	text, err := textOf(string(b))
	if err != nil {
		t.Fatalf("%s: %v", link[1], err)
	}
	if !strings.HasPrefix(text, "$ sudo tracer ") || !strings.Contains(text, ", 0 lost") {
		t.Errorf("%s shows %q", link[1], text)
	}
}

// textOf is the text in an XML document.
func textOf(document string) (string, error) {
	var text strings.Builder
	for d := xml.NewDecoder(strings.NewReader(document)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return strings.TrimSpace(text.String()), nil
		}
		if err != nil {
			return "", err
		}
		if part, ok := token.(xml.CharData); ok {
			text.Write(part)
		}
	}
}
