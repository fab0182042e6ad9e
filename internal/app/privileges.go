// SPDX-License-Identifier: Apache-2.0

package app

import (
	"golang.org/x/sys/unix"

	"tracer/internal/kernel"
	"tracer/internal/live"
	"tracer/internal/privilege"
)

// dropPrivileges drops every capability that is no longer needed. If that fails, tracing continues with all of
// them.
func dropPrivileges(source *live.Source, out *outputs, ready *readyFile) (kept kernel.CapabilitySet, err error) {
	return privilege.Drop(source.Capabilities(privilege.Without) | capabilitiesOfFiles(out, ready))
}

// rotates are the capabilities that rotation needs for files and folders of other users: the new file gets the
// owner of the old one.
var rotates = kernel.SetOf(unix.CAP_DAC_OVERRIDE, unix.CAP_CHOWN, unix.CAP_FOWNER)

// capabilitiesOfFiles returns the capabilities that are needed to create and rotate the files later. There are
// none if the process may do so without capabilities.
func capabilitiesOfFiles(out *outputs, ready *readyFile) (needed kernel.CapabilitySet) {
	if privilege.Without(ready.creatable) != nil {
		needed |= kernel.SetOf(unix.CAP_DAC_OVERRIDE)
	}
	if privilege.Without(out.Rotatable) != nil {
		needed |= rotates
	}
	return needed
}
