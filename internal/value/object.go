// SPDX-License-Identifier: Apache-2.0

package value

// Object is the bytes of one object, which know how to print themselves. To be used
// for one event after another, it is made once and given other bytes.
type Object struct {
	Format *Format
	Raw    []byte
}

// AppendText is that of Format.
func (o *Object) AppendText(dst []byte) []byte { return o.Format.AppendText(dst, o.Raw) }

// AppendLines is that of Format.
func (o *Object) AppendLines(dst []byte, indent int) []byte {
	return o.Format.AppendLines(dst, o.Raw, indent)
}

// AppendJSON is that of Format.
func (o *Object) AppendJSON(dst []byte) []byte { return o.Format.AppendJSON(dst, o.Raw) }
