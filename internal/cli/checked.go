// SPDX-License-Identifier: Apache-2.0

package cli

// checkedValue keeps a word as the user wrote it, once it has passed a check.
type checkedValue struct {
	to    *string
	check func(string) error
}

func checked(to *string, check func(string) error) *checkedValue {
	return &checkedValue{to, check}
}

// Set, String and Type are those of pflag.Value.
func (v *checkedValue) Set(s string) error {
	if err := v.check(s); err != nil {
		return err
	}
	*v.to = s
	return nil
}

func (v *checkedValue) String() string {
	if v.to == nil {
		return ""
	}
	return *v.to
}

func (v *checkedValue) Type() string { return "string" }
