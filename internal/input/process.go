// SPDX-License-Identifier: Apache-2.0

package input

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// PID parses the id of a running process.
func PID(word string) (uint32, error) {
	pid, err := strconv.ParseUint(word, 10, 31)
	if err != nil || pid == 0 {
		return 0, processError(word, errors.New("not a process id, which is a positive number"))
	}
	if err := isProcess(uint32(pid)); err != nil {
		return 0, processError(word, err)
	}
	return uint32(pid), nil
}

func processError(word string, cause error) error {
	return &Error{What: "process", Value: word, Cause: cause, hint: "`ps -e` lists process ids; --filter-comm takes names"}
}

// isProcess returns an error if pid is not a process. /proc also has threads.
func isProcess(pid uint32) error {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return unix.ESRCH
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "Tgid:"); ok {
			if leader := strings.TrimSpace(value); leader != strconv.Itoa(int(pid)) {
				return fmt.Errorf("this is a thread of process %s", leader)
			}
		}
	}
	return nil
}
