// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// countValue is a number with a noun for errors; 0 is no limit.
type countValue[N uint32 | uint64] struct {
	to   *N
	noun string
}

func counted[N uint32 | uint64](to *N, noun string) countValue[N] { return countValue[N]{to, noun} }

// Set implements pflag.Value.
func (v countValue[N]) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || uint64(N(n)) != n {
		return fmt.Errorf("not a number of %s from 0 to %d", v.noun, ^N(0))
	}
	*v.to = N(n)
	return nil
}

func (v countValue[N]) String() string {
	if v.to == nil {
		return ""
	}
	return strconv.FormatUint(uint64(*v.to), 10)
}

func (v countValue[N]) Type() string { return v.noun }

// amountValue is a number with a lower bound and a noun for errors.
type amountValue struct {
	to    *int
	least int
	noun  string
}

// Set implements pflag.Value.
func (v amountValue) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || int(n) < v.least {
		return fmt.Errorf("not a number of %s from %d to %d", v.noun, v.least, math.MaxInt32)
	}
	*v.to = int(n)
	return nil
}

func (v amountValue) String() string {
	if v.to == nil || *v.to == 0 {
		return ""
	}
	return strconv.Itoa(*v.to)
}

func (v amountValue) Type() string { return v.noun }

// durationValue is a duration above 0.
type durationValue struct{ to *time.Duration }

// Set implements pflag.Value.
func (v durationValue) Set(s string) error {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return errors.New("not a duration above 0, such as 500ms, 30s or 1h30m")
	}
	*v.to = d
	return nil
}

// String is empty if the flag is not set, so that the help shows no default.
func (v durationValue) String() string {
	if v.to == nil || *v.to == 0 {
		return ""
	}
	return v.to.String()
}

func (durationValue) Type() string { return "duration" }
