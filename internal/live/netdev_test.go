// SPDX-License-Identifier: Apache-2.0

package live

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tracer/internal/plan"
)

// ownNetns returns the inode number of our network namespace.
func ownNetns(t *testing.T) uint32 {
	t.Helper()
	info, err := os.Stat("/proc/thread-self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	return uint32(info.Sys().(*syscall.Stat_t).Ino)
}

func TestNetdevs(t *testing.T) {
	own := ownNetns(t)
	pid := fmt.Sprint("pid:", os.Getpid())
	for name, test := range map[string]struct {
		config  Config
		netns   plan.Netns
		ifnames plan.Ifnames
	}{
		"nothing":                   {},
		"namespaces":                {config: Config{Netns: []string{pid, "!inode:7", "inode:8"}}, netns: plan.Netns{In: []uint32{own, 8}, Out: []uint32{7}}},
		"a name in our namespace":   {config: Config{Ifnames: []string{"lo"}}, netns: plan.Netns{In: []uint32{own}}, ifnames: plan.Ifnames{In: []string{"lo"}}},
		"a prefix in our namespace": {config: Config{Ifnames: []string{"nosuch*"}}, netns: plan.Netns{In: []uint32{own}}, ifnames: plan.Ifnames{In: []string{"nosuch*"}}},
		"a negated name, anywhere":  {config: Config{Ifnames: []string{"!nosuch0"}}, ifnames: plan.Ifnames{Out: []string{"nosuch0"}}},
		"negated namespace and interface": {config: Config{Netns: []string{"!inode:7"}, Ifnames: []string{"lo", "!nosuch*"}},
			netns: plan.Netns{In: []uint32{own}, Out: []uint32{7}}, ifnames: plan.Ifnames{In: []string{"lo"}, Out: []string{"nosuch*"}}},
		"a namespace without a path": {config: Config{Netns: []string{"inode:1"}, Ifnames: []string{"nosuch0"}},
			netns: plan.Netns{In: []uint32{1}}, ifnames: plan.Ifnames{In: []string{"nosuch0"}}},
	} {
		var o plan.Options
		err := resolveNetdevs(test.config, &o)
		if diff := cmp.Diff(test.netns, o.Netns) + cmp.Diff(test.ifnames, o.Ifnames); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func TestNetdevErrorsNameTheElement(t *testing.T) {
	for want, config := range map[string]Config{
		`netns "nosuch": no such file or directory`:                                   {Netns: []string{"inode:1", "!nosuch"}},
		`interface "nosuch0": no such interface`:                                      {Ifnames: []string{"lo", "nosuch0"}},
		`interface "sixteen-bytes-00": longer than 15 bytes, the limit of the kernel`: {Ifnames: []string{"!sixteen-bytes-00"}},
	} {
		err := resolveNetdevs(config, new(plan.Options))
		var usage interface{ Usage() bool }
		if err == nil || err.Error() != want || !errors.As(err, &usage) || !usage.Usage() {
			t.Errorf("error %v, want the usage error %s", err, want)
		}
	}
}
