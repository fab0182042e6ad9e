// SPDX-License-Identifier: Apache-2.0

package kernel

// hinted is an error with a hint for the user.
type hinted struct {
	msg, hint string
	usage     bool
	err       error
}

func (e *hinted) Error() string {
	switch {
	case e.err == nil:
		return e.msg
	case e.msg == "":
		return e.err.Error()
	}
	return e.msg + ": " + e.err.Error()
}

// Hint returns what the user can do about the error.
func (e *hinted) Hint() string { return e.hint }

// Usage reports whether the user asked for something that does not exist.
func (e *hinted) Usage() bool { return e.usage }

func (e *hinted) Unwrap() error { return e.err }

// ErrAddressesHidden means that /proc/kallsyms shows only zeros to this process. The tracepoint backend is the
// only one that needs no addresses.
var ErrAddressesHidden error = &hinted{
	msg:  "/proc/kallsyms hides the addresses of functions",
	hint: "run as root, or add CAP_SYSLOG; if the sysctl kernel.kptr_restrict is 2: `sysctl kernel.kptr_restrict=1`",
}
