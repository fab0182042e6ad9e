// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"tracer/internal/plan"
)

// backends are the names of the backends, best first.
var backends = plan.BackendNames()

// returnWays are the names of the ways to trace returns, best first.
var returnWays = plan.ReturnWayNames()

func (o *options) attachFlags(fs *pflag.FlagSet) {
	c := &o.config
	fs.Var(checked(&c.Plan.Backend, checkBackend), "backend", "use this `BACKEND`, not the best available: "+strings.Join(backends, ", "))
	fs.Var(checked(&c.Plan.ReturnsBy, checkReturnsBy), "returns-by", "trace returns in this `WAY`, not the best available: "+strings.Join(returnWays, ", "))
	fs.StringVar(&c.Kernel.BTFFile, "kernel-btf", "", "read the kernel's BTF from `FILE`")
	fs.Var(sizeValue{&c.Plan.RingSize}, "buffer-size", fmt.Sprintf("`SIZE` of the ring buffer, a power of two such as 64K (default %dM)", plan.DefaultRingSize>>20))
}

var attachOffers = offers{
	"backend":     oneOf(backends...),
	"returns-by":  oneOf(returnWays...),
	"kernel-btf":  aFile,
	"buffer-size": anything,
}

func checkBackend(value string) error {
	if !slices.Contains(backends, value) {
		return errors.New("not one of " + strings.Join(backends, ", "))
	}
	return nil
}

func checkReturnsBy(value string) error {
	if !slices.Contains(returnWays, value) {
		return errors.New("not one of " + strings.Join(returnWays, ", "))
	}
	return nil
}

// sizeValue is the size of a ring buffer in bytes, as the kernel accepts it.
type sizeValue struct{ to *int }

func (v sizeValue) Set(s string) error {
	size, err := parseSize(s)
	if err != nil {
		return err
	}
	if size < uint64(os.Getpagesize()) || bits.OnesCount64(size) != 1 {
		return fmt.Errorf("not a power of two of at least %d bytes", os.Getpagesize())
	}
	*v.to = int(size)
	return nil
}

func (v sizeValue) String() string {
	if v.to == nil || *v.to == 0 {
		return ""
	}
	return strconv.Itoa(*v.to)
}

func (sizeValue) Type() string { return "size" }

// parseSize reads a number with one of the units K, M and G, which are powers of 1024.
func parseSize(s string) (uint64, error) {
	digits := strings.TrimRight(s, "KMGkmg")
	shift, ok := map[string]int{"": 0, "K": 10, "M": 20, "G": 30}[strings.ToUpper(s[len(digits):])]
	n, err := strconv.ParseUint(digits, 10, 32)
	if !ok || err != nil || n<<shift > math.MaxInt32 {
		return 0, errors.New("not a size below 2G: want bytes, or a number with K, M or G")
	}
	return n << shift, nil
}
