// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// enoughMemory is an upper bound in bytes of the memory that tracer's ring buffer and other maps lock with default
// settings.
const enoughMemory = 64 << 20

func askLockedMemory(f *Findings) outcome {
	found := "no limit"
	if f.LockedMemory != unix.RLIM_INFINITY {
		found = fmt.Sprintf("%d KiB", f.LockedMemory>>10)
	}
	switch {
	case !f.CountsMemory:
		return fine(found + "; BPF memory does not count against it since Linux 5.11")
	case f.LockedMemory >= enoughMemory, f.Capabilities.Has(unix.CAP_SYS_RESOURCE):
		return fine(found + ", which is enough or can be raised")
	}
	return outcome{
		Limited, found, "the kernel may refuse maps (BPF memory counts against it before Linux 5.11)", "`ulimit -l unlimited` (systemd: LimitMEMLOCK=infinity), or add CAP_SYS_RESOURCE",
	}
}

// spareFiles is the number of open files that tracer needs in addition to one per probe.
const spareFiles = 256

func askOpenFiles(f *Findings) outcome {
	best := f.best()
	probe, probes := best.Describe().Probe, f.Plans[best].Functions
	found := fmt.Sprintf("up to %d", f.OpenFiles)
	switch {
	case probe == "":
		return fine(found)
	case f.OpenFiles >= uint64(probes+spareFiles), f.Capabilities.Has(unix.CAP_SYS_RESOURCE):
		return fine(found + ", which is enough or can be raised")
	}
	return outcome{
		Limited, found, fmt.Sprintf("each %s needs one, %d for all functions; --filter-func traces fewer", probe, probes),
		fmt.Sprintf("`ulimit -n %d` (systemd: LimitNOFILE), or add CAP_SYS_RESOURCE", probes+spareFiles),
	}
}

func askUnprivileged(f *Findings) outcome {
	value := f.Settings["kernel.unprivileged_bpf_disabled"]
	switch value {
	case "":
		return fine("the kernel has no sysctl kernel.unprivileged_bpf_disabled")
	case "0":
		return fine("unprivileged users may use BPF (kernel.unprivileged_bpf_disabled is 0); tracer does not need this")
	}
	return fine("BPF requires CAP_BPF (kernel.unprivileged_bpf_disabled is " + value + ")")
}

func askVerdict(f *Findings) outcome {
	best := f.best()
	if best == "" {
		return outcome{Missing, "no backend runs", "nothing can be traced", "see the rows marked x above"}
	}
	return fine(fmt.Sprintf("by %s: %s", best, f.Plans[best]))
}
