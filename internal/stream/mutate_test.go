// SPDX-License-Identifier: Apache-2.0

package stream

import (
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// frame is a named frame.
type frame struct {
	name string
	data []byte
}

// corpus returns the frames in all files of testdata, which are lists of names and hexadecimal digits.
func corpus(t *testing.T) (frames []frame) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files of frames, error %v", len(files), err)
	}
	for _, file := range files {
		frames = append(frames, framesIn(t, file)...)
	}
	return frames
}

func framesIn(t *testing.T, file string) (frames []frame) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list [][2]string
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for _, entry := range list {
		data, err := hex.DecodeString(entry[1])
		if err != nil {
			t.Fatalf("%s: %s: %v", file, entry[0], err)
		}
		frames = append(frames, frame{entry[0], data})
	}
	return frames
}

// minFrame is the length of a frame that is only an Ethernet header. The kernel rejects shorter ones.
const minFrame = 14

// parserBytes are byte values that change how a header is parsed: protocol numbers, versions, parts of
// Ethertypes.
var parserBytes = []byte{
	0, 1, 2, 3, 4, 6, 8, 17, 33, 41, 43, 44, 47, 50, 51, 58, 59, 60, 132, 135, 136,
	0x40, 0x44, 0x45, 0x46, 0x4f, 0x60, 0x20, 0x81, 0x86, 0x88, 0x91, 0xa8, 0xaa, 0xdd, 0xff,
}

// mutate changes bytes of a frame, truncates or extends it, or repeats a part of it.
func mutate(r *rand.Rand, data []byte) []byte {
	data = slices.Clone(data)
	for range 1 + r.IntN(3) {
		at := r.IntN(len(data))
		switch r.IntN(8) {
		case 0, 1:
			data[at] = byte(r.Uint32())
		case 2, 3, 4:
			data[at] = parserBytes[r.IntN(len(parserBytes))]
		case 5:
			data = data[:max(at, minFrame)]
		case 6:
			data = append(data, make([]byte, r.IntN(24))...)
		case 7:
			data = slices.Insert(data, at, data[at:min(len(data), at+4*(1+r.IntN(4)))]...)
		}
	}
	return data
}

// mutations returns n mutated frames of the corpus.
func mutations(t *testing.T, seed uint64, n int) (frames []frame) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 0))
	seeds := corpus(t)
	for range n {
		s := seeds[r.IntN(len(seeds))]
		frames = append(frames, frame{s.name + ", mutated", mutate(r, s.data)})
	}
	return frames
}
