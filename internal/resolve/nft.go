// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// nftTexts runs nft in a namespace, and returns its texts of the rules of a table by handle. The rules of an anonymous
// chain are in braces in the text of the rule that jumps there.
func nftTexts(nft string, n *namespace, key tableKey, deadline time.Time) (map[uint64]string, error) {
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	var output []byte
	err := n.inside(func() (err error) {
		output, err = runNft(ctx, nft, key)
		return err
	})
	if err != nil {
		return nil, err
	}
	return parseNft(output), nil
}

// outputMost is the largest accepted output of nft, in bytes.
const outputMost = 64 << 20

// runNft lists a table with handles (-a), without the values of counters (-s) and the elements of named sets (-t).
func runNft(ctx context.Context, nft string, key tableKey) ([]byte, error) {
	cmd := exec.CommandContext(ctx, nft, "-a", "-s", "-t", "list", "table", FamilyName(key.family), key.name)
	cmd.Env = []string{"LC_ALL=C"}
	cmd.WaitDelay = 100 * time.Millisecond
	output := &limited{most: outputMost}
	cmd.Stdout = output
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%s: %w", nft, err)
	}
	return output.Bytes(), nil
}

// limited is a buffer of at most most bytes.
type limited struct {
	bytes.Buffer
	most int
}

func (l *limited) Write(b []byte) (int, error) {
	if l.Len()+len(b) > l.most {
		return 0, fmt.Errorf("more than %d bytes", l.most)
	}
	return l.Buffer.Write(b)
}

// parseNft returns the rules in nft's list of a table by handle. It joins the lines of a rule with a long set or an
// anonymous chain; the rules of that chain are separated by semicolons.
func parseNft(output []byte) map[uint64]string {
	texts := map[uint64]string{}
	inChain := false
	var lines []string
	for line := range strings.Lines(string(output)) {
		depth := len(line) - len(strings.TrimLeft(line, "\t"))
		line = strings.TrimSpace(line)
		switch {
		case depth == 1:
			inChain, lines = strings.HasPrefix(line, "chain "), nil
		case depth < 2 || !inChain || line == "":
		default:
			lines = append(lines, line)
			if text, handle, ok := cutHandle(line); ok && depth == 2 || ok && isClosed(lines) {
				lines[len(lines)-1] = text
				texts[handle], lines = joinLines(lines), nil
			}
			if depth == 2 && isBaseLine(line) {
				lines = nil
			}
		}
	}
	return texts
}

// isClosed reports whether the lines have as many closing as opening braces.
func isClosed(lines []string) bool {
	all := strings.Join(lines, " ")
	return strings.Count(all, "{") == strings.Count(all, "}")
}

// isBaseLine reports whether the line describes the chain: its hook, or its comment.
func isBaseLine(line string) bool {
	return strings.HasPrefix(line, "type ") && strings.Contains(line, " hook ") && strings.HasSuffix(line, ";") ||
		strings.HasPrefix(line, "comment ")
}

// cutHandle splits a line before `# handle N`.
func cutHandle(line string) (text string, handle uint64, ok bool) {
	const mark = " # handle "
	at := strings.LastIndex(line, mark)
	if at < 0 {
		return "", 0, false
	}
	handle, err := strconv.ParseUint(line[at+len(mark):], 10, 64)
	return line[:at], handle, err == nil
}

// joinLines joins the lines of a rule.
func joinLines(lines []string) string {
	var b strings.Builder
	for i, line := range lines {
		switch {
		case i == 0:
		case strings.HasSuffix(lines[i-1], "{") || strings.HasSuffix(lines[i-1], ",") || strings.HasPrefix(line, "}"):
			b.WriteByte(' ')
		default:
			b.WriteString("; ")
		}
		b.WriteString(squeeze(line))
	}
	return b.String()
}

// squeeze reduces runs of spaces outside quotes to one space: nft prints two where a match has no text.
func squeeze(line string) string {
	quoted := false
	var last rune
	return strings.Map(func(r rune) rune {
		if r == '"' {
			quoted = !quoted
		}
		if r == ' ' && last == ' ' && !quoted {
			return -1
		}
		last = r
		return r
	}, line)
}
