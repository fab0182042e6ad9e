// SPDX-License-Identifier: Apache-2.0

package layout

import (
	"crypto/rand"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"github.com/cilium/ebpf/rlimit"
	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// try compares a layout with the running kernel: in a network namespace of its own, it adds a table, sends a datagram that the table drops, and
// reads the table, its chains and rules, the expressions and the registers through the layout while the kernel evaluates them. All values must
// be those that netlink lists, and all pointers must lead to each other.
func try(l *layout) error {
	if err := rlimit.RemoveMemlock(); err != nil {
		return err
	}
	return onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("create a network namespace: %w", err)
		}
		name, err := nameThread()
		if err != nil {
			return err
		}
		want, err := addTables(strings.TrimRight(name, "\x00"))
		if err != nil {
			return fmt.Errorf("add a table: %w", err)
		}
		p, err := probe(l.recipes(), name)
		if err != nil {
			return err
		}
		sent := send()
		list, err := p.read()
		if err := errors.Join(sent, err, p.close()); err != nil {
			return err
		}
		return l.judge(list, want)
	})
}

// onThread runs f on a thread that ends afterwards. The main thread can't end, so it is not used.
func onThread(f func() error) error {
	ended := make(chan error)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			ended <- onThread(f)
			runtime.UnlockOSThread()
			return
		}
		ended <- f() // the thread ends with this function, since it is locked
	}()
	return <-ended
}

// commSize is TASK_COMM_LEN.
const commSize = 16

// nameThread gives the thread a random name, and returns it with zeros at the end.
func nameThread() (string, error) {
	name := "trl" + rand.Text()[:10]
	b := make([]byte, commSize)
	copy(b, name)
	if err := unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&b[0])), 0, 0, 0); err != nil {
		return "", err
	}
	return string(b), nil
}

// The trial's chains and priorities. The datagram passes early, and first drops it by its second chain.
const (
	earlyPriority = -177
	firstPriority = -77
	port          = 9 // discard
)

// listed is what netlink says about the table. The first rule of the first chain jumps to the second, whose last rule drops.
type listed struct {
	table                string
	tableHandle          uint64
	early, first, second uint64 // handles of chains
	jump, drop           uint64 // handles of rules
}

func addTables(name string) (want listed, err error) {
	c, err := nftables.New()
	if err != nil {
		return want, err
	}
	table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: name})
	base := func(chain string, priority nftables.ChainPriority, policy nftables.ChainPolicy) *nftables.Chain {
		return c.AddChain(&nftables.Chain{
			Table: table, Name: chain, Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookOutput, Priority: &priority, Policy: &policy,
		})
	}
	base("early", earlyPriority, nftables.ChainPolicyAccept)
	first, second := base("first", firstPriority, nftables.ChainPolicyDrop), c.AddChain(&nftables.Chain{Table: table, Name: "second"})
	rule := func(chain *nftables.Chain, e ...expr.Any) {
		c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: e})
	}
	rule(first, &expr.Verdict{Kind: expr.VerdictJump, Chain: "second"})
	load := &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2}
	for _, set := range []*nftables.Set{{IsMap: true, DataType: nftables.TypeVerdict}, {IsMap: true, DataType: nftables.TypeMark}, {}} {
		set.Table, set.Anonymous, set.Constant, set.KeyType = table, true, true, nftables.TypeInetService
		element := nftables.SetElement{Key: []byte{0, port + 1}}
		look := &expr.Lookup{SourceRegister: 1, IsDestRegSet: set.IsMap}
		switch set.DataType {
		case nftables.TypeVerdict:
			element.VerdictData = &expr.Verdict{Kind: expr.VerdictAccept}
		case nftables.TypeMark:
			element.Val, look.DestRegister = []byte{0, 0, 0, 1}, 1
		}
		if err := c.AddSet(set, []nftables.SetElement{element}); err != nil {
			return want, err
		}
		look.SetName, look.SetID = set.Name, set.ID
		rule(second, load, look)
	}
	rule(second, &expr.Immediate{Register: 1, Data: []byte{0, 0, 0, 0}}, &expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: 1})
	rule(second, &expr.Verdict{Kind: expr.VerdictDrop})
	if err := c.Flush(); err != nil {
		return want, err
	}
	rule(first, &expr.Verdict{Kind: expr.VerdictAccept}) // in one of the two generations only
	if err := c.Flush(); err != nil {
		return want, err
	}
	return list(c, name, first, second)
}

// list reads the handles.
func list(c *nftables.Conn, name string, first, second *nftables.Chain) (want listed, err error) {
	inFirst, err := c.GetRules(first.Table, first)
	if err != nil {
		return want, err
	}
	inSecond, err := c.GetRules(first.Table, second)
	if err != nil {
		return want, err
	}
	if len(inFirst) != 2 || len(inSecond) != 5 {
		return want, fmt.Errorf("%d and %d rules", len(inFirst), len(inSecond))
	}
	want = listed{table: name, jump: inFirst[0].Handle, drop: inSecond[4].Handle}
	tables, err := handles(unix.NFT_MSG_GETTABLE, unix.NFTA_TABLE_NAME, nftaTableHandle)
	if err != nil {
		return want, err
	}
	chains, err := handles(unix.NFT_MSG_GETCHAIN, unix.NFTA_CHAIN_NAME, unix.NFTA_CHAIN_HANDLE)
	want.tableHandle, want.early, want.first, want.second = tables[name], chains["early"], chains["first"], chains["second"]
	return want, err
}

// nftaTableHandle is NFTA_TABLE_HANDLE (4.16).
const nftaTableHandle = 4

// handles returns the handles of all tables or chains in the namespace, by name.
func handles(kind int, name, handle uint16) (map[string]uint64, error) {
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	answers, err := c.Execute(netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(unix.NFNL_SUBSYS_NFTABLES<<8 | kind), Flags: netlink.Request | netlink.Dump},
		Data:   []byte{unix.NFPROTO_IPV4, 0, 0, 0}, // struct nfgenmsg
	})
	if err != nil {
		return nil, err
	}
	found := map[string]uint64{}
	for _, m := range answers {
		if len(m.Data) < 4 {
			continue
		}
		ad, err := netlink.NewAttributeDecoder(m.Data[4:])
		if err != nil {
			return nil, err
		}
		ad.ByteOrder = networkOrder
		of, number := "", uint64(0)
		for ad.Next() {
			switch ad.Type() {
			case name:
				of = ad.String()
			case handle:
				number = ad.Uint64()
			}
		}
		if err := ad.Err(); err != nil {
			return nil, err
		}
		found[of] = number
	}
	return found, nil
}

// send sends a datagram to this namespace, which the kernel refuses (EPERM) since the rules drop it.
func send() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("bring up lo: %w", err)
	}
	if err := unix.Sendto(fd, []byte("trial"), 0, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); !errors.Is(err, unix.EPERM) {
		return fmt.Errorf("send a datagram that must be dropped: %w", cmpNil(err))
	}
	return nil
}

// cmpNil replaces the missing error of a call that had to fail.
func cmpNil(err error) error {
	if err == nil {
		return errors.New("it was not")
	}
	return err
}
