// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"fmt"
	"os/exec"
)

// unpack returns what a packed module or kernel image holds, going by its first
// bytes. A kernel image ends with its size, which the tools must not see: zstd
// and lz4 images lose their last four bytes when image is set.
func unpack(b []byte, image bool) ([]byte, error) {
	body := b
	if image && len(b) > 4 {
		body = b[:len(b)-4]
	}
	switch {
	case bytes.HasPrefix(b, []byte("\x7fELF")):
		return b, nil
	case bytes.HasPrefix(b, []byte("\xfd7zXZ\x00")):
		return pipe(b, "xz", "-dc", "--single-stream")
	case bytes.HasPrefix(b, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return pipe(body, "zstd", "-dcq")
	case bytes.HasPrefix(b, []byte{0x02, 0x21, 0x4c, 0x18}):
		return lz4Legacy(body[4:])
	}
	return nil, fmt.Errorf("unknown kind of compression % x", b[:min(len(b), 6)])
}

// pipe runs a tool that reads its input and writes the result.
func pipe(input []byte, tool string, args ...string) ([]byte, error) {
	cmd := exec.Command(tool, args...)
	cmd.Stdin = bytes.NewReader(input)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", tool, err, bytes.TrimSpace(complaint.Bytes()))
	}
	return out, nil
}
