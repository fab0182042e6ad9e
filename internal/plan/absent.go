// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"strings"

	"tracer/internal/kernel"
	"tracer/internal/nearest"
	"tracer/internal/printable"
)

// modulesFlag is the flag that selects modules.
const modulesFlag = "--kmods"

// absentModules returns a note about each requested module that is not traced.
func absentModules(facts *kernel.Facts) []string {
	var notes []string
	none := len(facts.Modules) == 0 && len(facts.AbsentModules) > 1
	for _, m := range facts.AbsentModules {
		notes = append(notes, absentModule(m, facts.ModulesWithBTF))
		none = none && m.Why != kernel.ModuleBuiltIn && m.Why != kernel.ModuleUnknown
	}
	if none {
		notes = append(notes, modulesFlag+": none of these modules can be traced, only the kernel itself is")
	}
	return notes
}

func absentModule(m kernel.AbsentModule, withBTF []string) string {
	switch m.Why {
	case kernel.ModuleBuiltIn:
		return fmt.Sprintf("%s %s: it is built into the kernel, and traced without --kmods", modulesFlag, printable.Quote(m.Name))
	case kernel.ModuleWithoutBTF:
		return fmt.Sprintf("%s %s: it has no BTF, so its functions are not traced%s", modulesFlag, printable.Quote(m.Name), noModuleBTF(withBTF))
	case kernel.ModuleUnknown:
		return fmt.Sprintf("%s %s: it is not loaded, unless it is built into the kernel, and traced without --kmods: %s", modulesFlag, printable.Quote(m.Name), suggestModule(m.Name, withBTF))
	}
	return fmt.Sprintf("%s %s: it is not loaded, so its functions are not traced: %s", modulesFlag, printable.Quote(m.Name), suggestModule(m.Name, withBTF))
}

// noModuleBTF returns the reason why no module has BTF, or "" if some have it.
func noModuleBTF(withBTF []string) string {
	if len(withBTF) > 0 {
		return ""
	}
	return ": this kernel has no BTF of modules (5.11, CONFIG_DEBUG_INFO_BTF_MODULES)"
}

// suggestModule returns a hint: the module with the most similar name, or how to list the modules.
func suggestModule(name string, withBTF []string) string {
	if near := nearest.Word(strings.ReplaceAll(name, "-", "_"), withBTF); near != "" {
		return "did you mean " + near + "?"
	}
	return "lsmod lists the loaded modules"
}
