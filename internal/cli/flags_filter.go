// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"regexp/syntax"

	"tracer/internal/plan"

	"github.com/spf13/pflag"
)

func filterFlags(fs *pflag.FlagSet, o *options) {
	c := &o.config
	fs.Var(checked(&c.Func, checkRegexp), "filter-func", "only functions whose whole name matches the RE2 `REGEXP`")
	fs.StringVar(&c.Netns, "filter-netns", "", "only this network `NAMESPACE`: /path, ip netns name, inode:N, pid:N")
	fs.StringVar(&c.Ifname, "filter-ifname", "", "only packets at this `INTERFACE` of --filter-netns, or of our own")
	fs.Var(checked(&c.Mark, checkMark), "filter-mark", "only packets with this `MARK[/MASK]`, decimal or with 0x")
}

// checkRegexp looks at the expression as the user wrote it, so that an error
// quotes that and not what the expression becomes.
func checkRegexp(value string) error {
	_, err := syntax.Parse(value, syntax.Perl)
	var bad *syntax.Error
	if errors.As(err, &bad) {
		return fmt.Errorf("not a regular expression, %s at %q", bad.Code, bad.Expr)
	}
	return err
}

func checkMark(value string) error {
	if _, err := plan.ParseMark(value); err != nil {
		return errors.New("not a mark: want a number of 32 bits, decimal or with 0x, and perhaps /MASK")
	}
	return nil
}
