// SPDX-License-Identifier: Apache-2.0

package libpcap

/*
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <pcap/pcap.h>

// job is the argument of work, which compiles the expressions in order until pcap_compile accepts one. status
// is the last result.
struct job {
	pcap_t *handle;
	char **exprs;
	int count, optimize, status;
	struct bpf_program program;
};

static void *work(void *arg)
{
	struct job *j = arg;

	for (int i = 0; i < j->count && j->status; i++)
		j->status = pcap_compile(j->handle, &j->program, j->exprs[i], j->optimize, PCAP_NETMASK_UNKNOWN);
	return NULL;
}

// run_on runs work in a thread with all signals blocked, since it has no alternate stack for Go's handlers. It
// returns 0 or an errno.
static int run_on(void *stack, size_t size, struct job *j)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_attr_init(&attributes);
	error = pthread_attr_setstack(&attributes, stack, size);
	if (!error) {
		pthread_sigmask(SIG_SETMASK, &all, &before);
		error = pthread_create(&thread, &attributes, work, j);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	if (!error)
		error = pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
	return error;
}

// run runs work on a stack of size bytes with a guard page below it. Pages of the stack are allocated
// on first use. It returns 0 or an errno.
static int run(size_t size, struct job *j)
{
	size_t guard = sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, guard + size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int error;

	if (memory == MAP_FAILED)
		return errno;
	error = mprotect(memory + guard, size, PROT_READ | PROT_WRITE) ? errno : run_on(memory + guard, size, j);
	munmap(memory, guard + size);
	return error;
}
*/
import "C"

import (
	"fmt"
	"runtime"
	"syscall"
	"unsafe"
)

// compileOn compiles the first of the expressions that libpcap accepts, on a thread with a stack of the given
// size in bytes. If it accepts none, msg is its message for the last one. libpcap's optimizer and code
// generator recurse for each basic block of a program. The default stack of a thread, 128 KiB with musl and
// `ulimit -s` with glibc, may be too small for that.
func compileOn(stack int, handle *C.pcap_t, optimize bool, exprs ...string) (insns []RawInstruction, msg string, err error) {
	texts := make([]*C.char, len(exprs))
	for i, expr := range exprs {
		texts[i] = C.CString(expr)
		defer C.free(unsafe.Pointer(texts[i]))
	}
	var pinner runtime.Pinner
	defer pinner.Unpin()
	pinner.Pin(&texts[0])

	job := C.struct_job{handle: handle, exprs: &texts[0], count: C.int(len(texts)), status: C.PCAP_ERROR}
	if optimize {
		job.optimize = 1
	}
	if number := C.run(C.size_t(stack), &job); number != 0 {
		return nil, "", fmt.Errorf("compile the filter on a stack of %d KiB: %w", stack>>10, syscall.Errno(number))
	}
	if job.status != 0 {
		return nil, C.GoString(C.pcap_geterr(handle)), nil
	}
	defer C.pcap_freecode(&job.program)
	return copyProgram(&job.program), "", nil
}
