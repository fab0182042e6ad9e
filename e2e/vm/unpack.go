// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"fmt"
	"os/exec"
)

// unpack decompresses a module or kernel image, whose format it finds by the magic number. The kernel's build appends the
// uncompressed size to an image, which the decompressors reject: if image is set, the last four bytes of zstd and lz4
// data are ignored.
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

// pipe runs a tool with the input on standard input, and returns its standard output.
func pipe(input []byte, tool string, args ...string) ([]byte, error) {
	cmd := exec.Command(tool, args...)
	cmd.Stdin = bytes.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", tool, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}
