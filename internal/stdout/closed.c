// SPDX-License-Identifier: Apache-2.0

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

// If standard output is closed, the Go runtime opens /dev/null instead, so all output would be lost without an
// error. This constructor runs before the Go runtime, and opens a directory as standard output, so that writes fail
// with EBADF. In a program with file capabilities this is too late: the C library has already opened /dev/null.
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
