// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"tracer/internal/app"
	"tracer/internal/nearest"

	"github.com/spf13/pflag"
)

// parse reads the arguments. The options it returns are never nil.
func parse(args []string) (*options, error) {
	o := &options{}
	fs := allFlags(o)
	if err := fs.Parse(args); err != nil {
		return o, flagError(fs, err)
	}
	o.config.Expr = strings.Join(fs.Args(), " ")
	for _, step := range []func(*pflag.FlagSet) error{o.check, o.imply, o.settleFollow, o.settlePrograms, o.settleXDP, o.settleOutput} {
		if err := step(fs); err != nil {
			return o, err
		}
	}
	return o, nil
}

// imply turns on what comes with a flag, unless it was turned off by its own.
func (o *options) imply(fs *pflag.FlagSet) error {
	stack := fs.Lookup("output-stack")
	if !o.config.Drops.Only || stack.Changed {
		return nil
	}
	return stack.Value.Set("true")
}

// check finds values that are good alone and not together.
func (o *options) check(fs *pflag.FlagSet) error {
	c := &o.config
	if c.OutputFile != "" && filepath.Clean(c.OutputFile) == filepath.Clean(c.ReadyFile) {
		return &usageError{text: fmt.Sprintf("--ready-file %q: is the --output-file too", c.ReadyFile)}
	}
	return cmp.Or(checkRotation(fs, c.OutputFile), checkDrop(c), checkReturns(c))
}

// checkDrop refuses to choose functions where there are none.
func checkDrop(c *app.Config) error {
	if !c.Drops.Alone() {
		return nil
	}
	why := "--drop"
	if !c.Drops.Only {
		why = "--filter-drop-reason"
	}
	for name, expr := range map[string]string{"filter-func": c.Func, "filter-func-exclude": c.FuncExclude} {
		if expr != "" {
			return &usageError{text: fmt.Sprintf("--%s %q: with %s no functions are traced", name, expr, why)}
		}
	}
	return nil
}

// checkReturns refuses a way to see returns where they are not asked for.
func checkReturns(c *app.Config) error {
	if c.ReturnsBy == "" || c.Output.Columns.Return || c.TrackByStack {
		return nil
	}
	return &usageError{text: fmt.Sprintf("--returns-by %q: there is no --output-return", c.ReturnsBy)}
}

// flagError says what the user can see of an error of pflag's.
func flagError(fs *pflag.FlagSet, err error) error {
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown):
		return unknownFlag(fs, unknown)
	case errors.As(err, &missing):
		return &usageError{text: fmt.Sprintf("--%s: value missing", missing.GetFlag().Name)}
	case errors.As(err, &invalid):
		return invalidValue(invalid)
	}
	return &usageError{text: "arguments", cause: err, hint: seeHelp}
}

func invalidValue(e *pflag.InvalidValueError) error {
	f, cause := e.GetFlag(), e.Unwrap()
	if f.Value.Type() == "bool" {
		cause = errors.New("not true or false")
	}
	return &usageError{text: fmt.Sprintf("--%s %q", f.Name, e.GetValue()), cause: cause}
}

const seeHelp = "`tracer --help` lists the flags"

func unknownFlag(fs *pflag.FlagSet, e *pflag.NotExistError) error {
	dash, name := "--", e.GetSpecifiedName()
	if letters := e.GetSpecifiedShortnames(); letters != "" {
		dash, name = "-", letters
	}
	hint := seeHelp
	if near := nearest.Word(name, names(fs)); near != "" {
		hint = "did you mean --" + near + "?"
	}
	return &usageError{text: fmt.Sprintf("unknown flag %q", dash+name), hint: hint}
}

func names(fs *pflag.FlagSet) []string {
	var all []string
	fs.VisitAll(func(f *pflag.Flag) { all = append(all, f.Name) })
	return all
}
