// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf/btf"
)

// Pages locates the kernel's page structs (the array vmemmap) and its mapping of memory (the direct map). Both
// are the virtual addresses for physical address 0, whether or not there is memory. Programs need
// both to find the bytes of a packet that are in page fragments.
type Pages struct {
	Structs, Memory uint64
}

// unmapped is the physical address of a segment of /proc/kcore that is not ordinary memory.
const unmapped = ^uint64(0)

func locatePages(c *core, types *btf.Spec) (*Pages, error) {
	var page *btf.Struct
	if err := types.TypeByName("page", &page); err != nil {
		return nil, fmt.Errorf("struct page: %w", err)
	}
	return pagesFrom(c.segments, uint64(page.Size))
}

// pagesFrom computes the addresses from the program headers of /proc/kcore, where each range of memory is followed
// by its part of vmemmap (kclist_add_private and get_sparsemem_vmemmap_info in fs/proc/kcore.c). It uses the
// largest range, since the parts for small ones are rounded to whole pages.
func pagesFrom(segments []*elf.Prog, structSize uint64) (*Pages, error) {
	var best *Pages
	var most uint64
	for i := range len(segments) - 1 {
		memory, structs := segments[i], segments[i+1]
		if !describes(structs, memory, structSize) || memory.Memsz <= most {
			continue
		}
		most = memory.Memsz
		best = &Pages{
			Structs: structs.Vaddr - memory.Paddr/pageSize*structSize,
			Memory:  memory.Vaddr - memory.Paddr,
		}
	}
	if best == nil {
		return nil, errors.New("the location of the page structs is unknown")
	}
	return best, nil
}

// pageSize is the kernel's page size. Each element of vmemmap describes one page.
var pageSize = uint64(os.Getpagesize())

// describes reports whether segment structs is the part of vmemmap for segment memory, and begins at a page
// boundary.
func describes(structs, memory *elf.Prog, structSize uint64) bool {
	if memory.Paddr == unmapped || structs.Paddr != unmapped || memory.Paddr/pageSize*structSize%pageSize != 0 {
		return false
	}
	want := memory.Memsz / pageSize * structSize
	return structs.Memsz >= want && structs.Memsz < want+2*pageSize
}
