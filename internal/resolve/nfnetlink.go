// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// nfgenmsg is the size of struct nfgenmsg, the header of a netfilter message: family, version, and a resource id.
const nfgenmsg = 4

// request is a question to a subsystem of netfilter.
type request struct {
	subsystem, kind int
	family          uint8
	dump            bool
	attributes      []netlink.Attribute
}

// stringAttribute returns an attribute with a string that ends with NUL.
func stringAttribute(kind uint16, value string) netlink.Attribute {
	return netlink.Attribute{Type: kind, Data: append([]byte(value), 0)}
}

func (r request) message() (netlink.Message, error) {
	attributes, err := netlink.MarshalAttributes(r.attributes)
	m := netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(r.subsystem<<8 | r.kind)},
		Data:   append([]byte{r.family, unix.NFNETLINK_V0, 0, 0}, attributes...),
	}
	if r.dump {
		m.Header.Flags = netlink.Dump
	}
	return m, err
}

// take receives the family and the attributes of a message. Its numbers are in network byte order.
type take func(family uint8, ad *netlink.AttributeDecoder) error

// query sends a request and passes on the attributes of each message of the answer.
func (c *channel) query(r request, deadline time.Time, take take) error {
	m, err := r.message()
	if err != nil {
		return err
	}
	return c.ask(m, deadline, func(_ netlink.HeaderType, data []byte) error {
		if len(data) < nfgenmsg {
			return fmt.Errorf("netfilter: message of %d bytes", len(data))
		}
		ad, err := decoder(data[nfgenmsg:])
		if err != nil {
			return err
		}
		return take(data[0], ad)
	})
}

func decoder(b []byte) (*netlink.AttributeDecoder, error) {
	ad, err := netlink.NewAttributeDecoder(b)
	if err != nil {
		return nil, err
	}
	ad.ByteOrder = binary.BigEndian
	return ad, nil
}

// eachNested calls f for each attribute in a nested one.
func eachNested(b []byte, f func(ad *netlink.AttributeDecoder) error) error {
	ad, err := decoder(b)
	if err != nil {
		return err
	}
	for ad.Next() {
		if err := f(ad); err != nil {
			return err
		}
	}
	return ad.Err()
}
