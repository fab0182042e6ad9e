// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// portsValue is a comma-separated list of UDP ports. A repeated flag adds to it.
type portsValue struct{ to *[]uint16 }

// Set implements pflag.Value.
func (v portsValue) Set(s string) error {
	ports := *v.to
	for _, word := range strings.Split(s, ",") {
		port, err := strconv.ParseUint(strings.TrimSpace(word), 10, 16)
		if err != nil || port == 0 {
			return errors.New("not a list of ports from 1 to 65535")
		}
		ports = append(ports, uint16(port))
	}
	*v.to = ports
	return nil
}

func (v portsValue) String() string {
	if v.to == nil || len(*v.to) == 0 {
		return ""
	}
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(*v.to), "[]"), " ", ",")
}

func (portsValue) Type() string { return "PORTS" }
