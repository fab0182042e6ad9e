// SPDX-License-Identifier: Apache-2.0

package filter

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestLayoutMatchesC compares the offsets in struct packet and the values of enum prefilter_result with the C source.
func TestLayoutMatchesC(t *testing.T) {
	for file, lines := range map[string][]string{
		"packet/packet.h": {
			fmt.Sprintf("\tHEAD_SIZE = %d,\n", HeadSize),
			"struct packet {\n\tu8 head[HEAD_SIZE];\n", // offsetHead is 0
			fmt.Sprintf("offsetof(struct packet, frame.len) == %d &&", offsetLen),
			fmt.Sprintf("offsetof(struct packet, frame.word) == %d,", offsetWord),
		},
		"match/packet_filter.h": {"enum prefilter_result {\n\tPREFILTER_UNKNOWN,\n\tPREFILTER_REJECT,\n\tPREFILTER_MATCH,\n};"},
	} {
		source, err := os.ReadFile("../../bpf/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			if !strings.Contains(string(source), line) {
				t.Errorf("bpf/%s lacks %q", file, line)
			}
		}
	}
	if offsetHead != 0 || prefilterUnknown != 0 || prefilterReject != 1 || prefilterMatch != 2 {
		t.Error("the numbers differ from those in C")
	}
}
