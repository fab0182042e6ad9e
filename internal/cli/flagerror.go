// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"tracer/internal/nearest"
	"tracer/internal/printable"

	"github.com/spf13/pflag"
)

// flagError turns an error of pflag into a usage error with a hint.
func (c *call) flagError(typed []string, err error) error {
	var (
		unknown *pflag.NotExistError
		missing *pflag.ValueRequiredError
		invalid *pflag.InvalidValueError
	)
	switch {
	case errors.As(err, &unknown):
		return c.unknownFlag(typed, unknown)
	case errors.As(err, &missing):
		return &usageError{text: fmt.Sprintf("--%s: value missing", missing.GetFlag().Name), hint: helpHint(missing.GetFlag())}
	case errors.As(err, &invalid):
		return invalidValue(invalid)
	}
	return &usageError{text: "arguments", cause: err, hint: c.listHint()}
}

func invalidValue(e *pflag.InvalidValueError) error {
	f, cause := e.GetFlag(), e.Unwrap()
	if f.Value.Type() == "bool" && !errors.Is(cause, errEmpty) {
		cause = errors.New("not true or false")
	}
	return &usageError{text: fmt.Sprintf("--%s %s", f.Name, printable.Quote(e.GetValue())), cause: cause, hint: cmp.Or(hintOf(cause), helpHint(f))}
}

// helpHint names the help of one flag.
func helpHint(f *pflag.Flag) string { return fmt.Sprintf("see `tracer help %s`", f.Name) }

// listHint names the list of the flags of this command.
func (c *call) listHint() string {
	if c.command.name == traceName {
		return "`tracer --help` lists the flags"
	}
	return fmt.Sprintf("`tracer help %s` lists the flags", c.command.name)
}

func (c *call) unknownFlag(typed []string, e *pflag.NotExistError) error {
	dash, name := "--", e.GetSpecifiedName()
	if letters := e.GetSpecifiedShortnames(); letters != "" {
		dash, name = "-", letters
	}
	hints := []string{c.nearHint(name)}
	if c.unknown != nil {
		hints = c.unknown(c, typed, dash, name)
	}
	return &usageError{text: "unknown flag " + printable.Quote(dash+name), hint: joinHints(hints)}
}

// nearHint names a command or flags that are similar to the name.
func (c *call) nearHint(name string) string {
	if other := commandNamed(name); other != nil && !other.hidden {
		return "it is a command: tracer " + other.usage()
	}
	if begun := flagsWith(name, names(c.flags)); begun != "" {
		return begun
	}
	if near := nearest.Word(name, names(c.flags)); near != "" {
		return "did you mean --" + near + "?"
	}
	return c.listHint()
}

// unknownToTrace explains flags of other programs, and filters that begin with a dash.
func unknownToTrace(c *call, typed []string, dash, name string) []string {
	hints := translate(typed).hints()
	if known := isForeign("--"+name) || dash == "-" && isForeign("-"+name[:1]); known && len(hints) > 0 {
		return hints
	}
	near := c.nearHint(name)
	if _, err := strconv.ParseUint(name, 0, 32); err == nil {
		near = "write -- before a filter that begins with -"
	}
	return slices.Insert(hints, 0, near)
}
