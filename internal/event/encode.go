// SPDX-License-Identifier: Apache-2.0

package event

import (
	"bytes"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// The stored form of an event is a CBOR map (RFC 8949). Its keys are the numbers in the field tags, and
// members with the zero value are left out. These rules make files readable by older and newer versions:
//
//   - A number is never used again for another member, and the type of a member never changes. New
//     members get new numbers.
//   - Members with unknown numbers are skipped.
//   - The values of enums, such as [Kind], keep their numbers.
//
// CBOR was chosen because each record is readable alone, and because field tags are enough: there is no
// schema and no generated code. gob repeats the type descriptions in each record, which are larger than
// the event. Protocol buffers need a second set of types and code that converts between both. MessagePack
// libraries for Go either lack integer keys or generate code.
var (
	encoding = mustMode(cbor.EncOptions{
		// Names can contain any bytes; CBOR text must be valid UTF-8.
		String: cbor.StringToByteString,
	}.UserBufferEncMode())
	decoding = mustMode(cbor.DecOptions{
		ByteStringToString: cbor.ByteStringToStringAllowed,
		DupMapKey:          cbor.DupMapKeyEnforcedAPF,
	}.DecMode())
)

// mustMode panics on an error, which is only possible if the constant options exclude each other.
func mustMode[T any](mode T, err error) T {
	if err != nil {
		panic(err)
	}
	return mode
}

// Encode appends the stored form of the event to the buffer, without Raw.
func (e *Event) Encode(to *bytes.Buffer) error {
	if err := encoding.MarshalToBuffer(e, to); err != nil {
		return fmt.Errorf("encode event of kind %s: %w", e.Kind, err)
	}
	return nil
}

// Decode returns the event with this stored form, which an older or a newer version may have written. The
// event does not refer to data.
func Decode(data []byte) (*Event, error) {
	e := new(Event)
	if err := decoding.Unmarshal(data, e); err != nil {
		return nil, fmt.Errorf("stored event of %d bytes: %w", len(data), err)
	}
	return e, nil
}
