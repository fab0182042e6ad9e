// SPDX-License-Identifier: Apache-2.0

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

// The Go runtime opens /dev/null where standard output is closed, and all that is written
// gets lost without an error. This runs before the runtime, and puts a descriptor there
// that cannot be written to. Of a program with file capabilities it is too late: the C
// library has opened /dev/null by then.
__attribute__((constructor)) static void refuse_writes(void)
{
	int fd;

	if (fcntl(STDOUT_FILENO, F_GETFD) >= 0 || errno != EBADF)
		return;
	fd = open("/", O_RDONLY | O_DIRECTORY);
	if (fd < 0 || fd == STDOUT_FILENO)
		return;
	dup2(fd, STDOUT_FILENO);
	close(fd);
}
