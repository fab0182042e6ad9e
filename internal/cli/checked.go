// SPDX-License-Identifier: Apache-2.0

package cli

// checkedValue is a flag value that has to pass a check. It is stored as the user wrote it.
type checkedValue[T ~string] struct {
	to    *T
	check func(string) error
}

func checked[T ~string](to *T, check func(string) error) *checkedValue[T] {
	return &checkedValue[T]{to, check}
}

// Set implements pflag.Value.
func (v *checkedValue[T]) Set(s string) error {
	if err := v.check(s); err != nil {
		return err
	}
	*v.to = T(s)
	return nil
}

func (v *checkedValue[T]) String() string {
	if v.to == nil {
		return ""
	}
	return string(*v.to)
}

func (v *checkedValue[T]) Type() string { return "string" }
