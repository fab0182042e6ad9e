// SPDX-License-Identifier: Apache-2.0

package input

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

func TestPID(t *testing.T) {
	own := uint32(os.Getpid())
	if got, err := PID(strconv.Itoa(os.Getpid())); err != nil || got != own {
		t.Errorf("%d (%v), want %d", got, err, own)
	}
	const noPID = "not a process id, which is a positive number"
	for word, want := range map[string]string{
		"0": noPID, "-1": noPID, "x": noPID, "": noPID, "4294967296": noPID, "2147483646": "no such process",
	} {
		_, err := PID(word)
		checkInput(t, err, fmt.Sprintf("process %q: %s", word, want), "--filter-comm takes names")
	}
}

func TestAThreadIsNoProcess(t *testing.T) {
	tid := make(chan int)
	done := make(chan struct{})
	defer close(done)
	go func() {
		runtime.LockOSThread()
		tid <- unix.Gettid()
		<-done
	}()
	thread := <-tid
	if thread == os.Getpid() {
		t.Fatal("the goroutine runs on the first thread, which this test holds")
	}
	_, err := PID(strconv.Itoa(thread))
	checkInput(t, err, fmt.Sprintf("process \"%d\": this is a thread of process %d", thread, os.Getpid()), "")
}
