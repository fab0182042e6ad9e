// SPDX-License-Identifier: Apache-2.0

package plan

import (
	"fmt"
	"strings"

	"tracer/internal/kernel"
	"tracer/internal/nearest"
)

// modulesFlag chooses modules.
const modulesFlag = "--kmods"

// absentModules are notes about modules that were asked for and are not traced.
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

func absentModule(m kernel.AbsentModule, there []string) string {
	switch m.Why {
	case kernel.ModuleBuiltIn:
		return fmt.Sprintf("%s %q: it is built into the kernel, and traced without --kmods", modulesFlag, m.Name)
	case kernel.ModuleWithoutBTF:
		return fmt.Sprintf("%s %q: it has no BTF, so its functions are not traced%s", modulesFlag, m.Name, noModuleBTF(there))
	case kernel.ModuleUnknown:
		return fmt.Sprintf("%s %q: it is not loaded, unless it is built into the kernel, and traced without --kmods: %s", modulesFlag, m.Name, meant(m.Name, there))
	}
	return fmt.Sprintf("%s %q: it is not loaded, so its functions are not traced: %s", modulesFlag, m.Name, meant(m.Name, there))
}

// noModuleBTF is why no module has BTF, empty where some have.
func noModuleBTF(there []string) string {
	if len(there) > 0 {
		return ""
	}
	return ": this kernel has no BTF of modules (5.11, CONFIG_DEBUG_INFO_BTF_MODULES)"
}

// meant is what the user may have meant, or do.
func meant(name string, there []string) string {
	if near := nearest.Word(strings.ReplaceAll(name, "-", "_"), there); near != "" {
		return "did you mean " + near + "?"
	}
	return "lsmod lists the loaded modules"
}
