// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"tracer/internal/app"
	"tracer/internal/nearest"

	"github.com/spf13/pflag"
)

// parse reads the arguments. The options it returns are never nil.
func parse(args []string) (*options, error) {
	o := &options{}
	fs := allFlags(o)
	switch err := fs.Parse(args); {
	case errors.Is(err, pflag.ErrHelp): // of -h, which is no flag of the set
		o.shortHelp = true
		return o, nil
	case err != nil:
		return o, flagError(fs, args, err)
	}
	o.config.Expr = strings.Join(fs.Args(), " ")
	for _, step := range []func(*pflag.FlagSet) error{o.check, o.imply, o.settleFollow, o.settlePrograms, o.settleXDP, o.settleOutput} {
		if err := step(fs); err != nil {
			return o, err
		}
	}
	return o, nil
}

// imply turns on what a flag implies, unless the user turned it off.
func (o *options) imply(fs *pflag.FlagSet) error {
	stack := fs.Lookup("output-stack")
	if !o.config.Drops.Only || stack.Changed {
		return nil
	}
	return stack.Value.Set("true")
}

// check refuses values that contradict each other.
func (o *options) check(fs *pflag.FlagSet) error {
	c := &o.config
	if c.OutputFile != "" && c.ReadyFile != "" && filepath.Clean(c.OutputFile) == filepath.Clean(c.ReadyFile) {
		return &usageError{text: fmt.Sprintf("--ready-file %q: is also the --output-file", c.ReadyFile), hint: "name another file"}
	}
	return cmp.Or(checkRotation(fs, c.OutputFile), checkDrop(c), checkReturns(c))
}

// dropTracepoint is the name of the drop tracepoint for --filter-func.
const dropTracepoint = "tp:kfree_skb"

// checkDrop refuses to choose functions where only drops are traced.
func checkDrop(c *app.Config) error {
	why := "--drop"
	if !c.Drops.Only {
		why = "--filter-drop-reason"
	}
	switch {
	case !c.Drops.Alone():
		return nil
	case c.Plan.Func != "":
		return &usageError{
			text: fmt.Sprintf("--filter-func %q: %s traces the drop tracepoint only, no functions", c.Plan.Func, why),
			hint: fmt.Sprintf("leave out %s and use --filter-func %s for these functions and the drops; or leave out --filter-func for the drops alone", why, shellWord(c.Plan.Func+"|"+dropTracepoint)),
		}
	case c.Plan.FuncExclude != "":
		return &usageError{
			text: fmt.Sprintf("--filter-func-exclude %q: %s traces the drop tracepoint only, no functions", c.Plan.FuncExclude, why),
			hint: fmt.Sprintf("leave out --filter-func-exclude for the drops alone, or %s to trace functions too", why),
		}
	}
	return nil
}

// checkReturns refuses a way to trace returns where none are traced.
func checkReturns(c *app.Config) error {
	if c.Plan.ReturnsBy == "" || c.Output.Columns.Return || c.Plan.Follow.ByStack {
		return nil
	}
	return &usageError{text: fmt.Sprintf("--returns-by %q: no returns are traced", c.Plan.ReturnsBy), hint: "add --output-return"}
}

// flagError explains an error of pflag in the words of the user.
func flagError(fs *pflag.FlagSet, args []string, err error) error {
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown):
		return unknownFlag(fs, args, unknown)
	case errors.As(err, &missing):
		return &usageError{text: fmt.Sprintf("--%s: value missing", missing.GetFlag().Name), hint: helpHint(missing.GetFlag())}
	case errors.As(err, &invalid):
		return invalidValue(invalid)
	}
	return &usageError{text: "arguments", cause: err, hint: seeHelp}
}

func invalidValue(e *pflag.InvalidValueError) error {
	f, cause := e.GetFlag(), e.Unwrap()
	if f.Value.Type() == "bool" && !errors.Is(cause, errEmpty) {
		cause = errors.New("not true or false")
	}
	return &usageError{text: fmt.Sprintf("--%s %q", f.Name, e.GetValue()), cause: cause, hint: cmp.Or(hintOf(cause), helpHint(f))}
}

const seeHelp = "`tracer --help` lists the flags"

// helpHint names the help of one flag.
func helpHint(f *pflag.Flag) string { return fmt.Sprintf("see `tracer help %s`", f.Name) }

func unknownFlag(fs *pflag.FlagSet, args []string, e *pflag.NotExistError) error {
	dash, name := "--", e.GetSpecifiedName()
	if letters := e.GetSpecifiedShortnames(); letters != "" {
		dash, name = "-", letters
	}
	return &usageError{text: fmt.Sprintf("unknown flag %q", dash+name), hint: unknownHint(fs, args, dash, name)}
}

// unknownHint is what to type instead of a flag that is not there.
func unknownHint(fs *pflag.FlagSet, args []string, dash, name string) string {
	hints := translate(args).hints()
	if known := isForeign("--"+name) || dash == "-" && isForeign("-"+name[:1]); !known || len(hints) == 0 {
		hints = append([]string{nearHint(fs, name)}, hints...)
	}
	return joinHints(hints)
}

// nearHint is for a flag that no program is known to have.
func nearHint(fs *pflag.FlagSet, name string) string {
	if c := commandOf([]string{name}); c != nil && !c.hidden {
		return "it is a command: tracer " + c.usage()
	}
	if begun := flagsWith(name, names(fs)); begun != "" {
		return begun
	}
	if near := nearest.Word(name, names(fs)); near != "" {
		return "did you mean --" + near + "?"
	}
	if _, err := strconv.ParseUint(name, 0, 32); err == nil {
		return "write -- before a filter that begins with -"
	}
	return seeHelp
}

func names(fs *pflag.FlagSet) []string {
	var all []string
	fs.VisitAll(func(f *pflag.Flag) { all = append(all, f.Name) })
	return all
}
