// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var errShort = errors.New("lz4: data ends early")

// lz4Legacy unpacks the blocks of a "legacy" LZ4 frame, without its magic number. The kernel's
// build uses this format for images.
func lz4Legacy(packed []byte) ([]byte, error) {
	var out []byte
	for len(packed) >= 4 {
		n := int(binary.LittleEndian.Uint32(packed))
		packed = packed[4:]
		if n > len(packed) {
			return nil, fmt.Errorf("lz4: block of %d bytes, %d left", n, len(packed))
		}
		var err error
		if out, err = lz4Block(out, packed[:n]); err != nil {
			return nil, err
		}
		packed = packed[n:]
	}
	return out, nil
}

// lz4Block appends one unpacked block to out. A block has sequences of literal bytes, each but the last
// followed by a match, which repeats earlier output of this block.
func lz4Block(out, block []byte) ([]byte, error) {
	start := len(out)
	for len(block) > 0 {
		token := block[0]
		literals, rest, err := lz4Length(int(token>>4), block[1:])
		if err != nil {
			return nil, err
		}
		if literals > len(rest) {
			return nil, errShort
		}
		out, block = append(out, rest[:literals]...), rest[literals:]
		if len(block) == 0 {
			break
		}
		if out, block, err = lz4Match(out, start, token, block); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func lz4Match(out []byte, start int, token byte, block []byte) (longer, rest []byte, err error) {
	if len(block) < 2 {
		return nil, nil, errShort
	}
	distance := int(binary.LittleEndian.Uint16(block))
	length, rest, err := lz4Length(int(token&15), block[2:])
	if err != nil {
		return nil, nil, err
	}
	if distance == 0 || distance > len(out)-start {
		return nil, nil, fmt.Errorf("lz4: match at distance %d of %d", distance, len(out)-start)
	}
	const shortest = 4
	for range length + shortest { // byte by byte: a match may overlap itself
		out = append(out, out[len(out)-distance])
	}
	return out, rest, nil
}

// lz4Length adds the bytes that follow a four-bit length of 15, up to the first
// that is not 255.
func lz4Length(n int, b []byte) (length int, rest []byte, err error) {
	if n < 15 {
		return n, b, nil
	}
	for i, c := range b {
		n += int(c)
		if c != 255 {
			return n, b[i+1:], nil
		}
	}
	return 0, nil, errShort
}
