// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"tracer/internal/input"
)

// ruleset has the cached tables of a namespace.
type ruleset struct {
	generation uint32
	since      time.Time // the ruleset has had this generation at least since then
	checked    time.Time // when the kernel last had this generation
	known      map[tableKey]*knownTable
}

// knownTable is a table that was seen.
type knownTable struct {
	handle uint64    // 0 if the table does not exist
	since  time.Time // the table has had this handle at least since then
	table  *table    // its content, perhaps of an earlier generation; nil if it was not read
	pace   pace      // limits how often it is read
}

// clockSlack is an upper bound of the error of a drop's time when it is converted to the clock of this process.
const clockSlack = 2 * time.Millisecond

// refresh reads the generation unless that was done after the time at, and the handles of the tables if the generation has
// changed. A zero time always reads.
func (n *namespace) refresh(at, deadline time.Time) error {
	if n.rules.known != nil && !at.IsZero() && at.Add(clockSlack).Before(n.rules.checked) {
		return nil
	}
	c, err := n.filterChannel()
	if err != nil {
		return err
	}
	start := time.Now()
	generation, err := c.generation(deadline)
	if err == nil && (n.rules.known == nil || generation != n.rules.generation) {
		err = n.refreshTables(c, generation, deadline)
	}
	if err != nil { // the answer may still arrive
		n.closeFilter()
		return fmt.Errorf("ruleset of network namespace %d: %w", n.inode, err)
	}
	n.rules.checked = start
	return nil
}

// refreshTables reads the handles of the tables. The generation may change meanwhile, which the next refresh notices.
func (n *namespace) refreshTables(c *channel, generation uint32, deadline time.Time) error {
	handles, err := c.tableHandles(deadline)
	if err != nil {
		return err
	}
	now := time.Now() // all of these tables existed before
	if n.rules.known == nil {
		n.rules.known = map[tableKey]*knownTable{}
	}
	for key, known := range n.rules.known {
		if known.handle != handles[key] {
			known.handle, known.since, known.table = handles[key], now, nil
		}
	}
	for key, handle := range handles {
		if n.rules.known[key] == nil {
			n.rules.known[key] = &knownTable{handle: handle, since: now}
		}
	}
	n.rules.generation, n.rules.since = generation, now
	return nil
}

func (n *namespace) filterChannel() (*channel, error) {
	if n.filter == nil {
		c, err := n.dial(unix.NETLINK_NETFILTER)
		if err != nil {
			return nil, err
		}
		n.filter = c
	}
	return n.filter, nil
}

func (n *namespace) closeFilter() {
	if n.filter != nil {
		n.filter.close()
		n.filter = nil
	}
}

// readMost is the largest number of attempts to read a table while the ruleset changes.
const readMost = 3

// readPause is the shortest time between two readings of a table.
const readPause = 100 * time.Millisecond

var errTooRecent = errors.New("read too recently")

var errChanging = errors.New("the ruleset keeps changing")

// content returns the content of a table in the current generation, or a cached earlier one for which has is true.
func (h *Host) content(n *namespace, key tableKey, known *knownTable, deadline time.Time, has func(*table) bool) (*table, error) {
	if t := known.table; t != nil && (t.generation == n.rules.generation || has(t)) {
		return t, nil
	}
	start := time.Now()
	if !known.pace.due(start) {
		return nil, errTooRecent
	}
	defer known.pace.took(start, readPause)
	for range readMost {
		t, err := h.readStable(n, key, deadline)
		if err == nil && t != nil {
			if t.handle = known.handle; n.rules.known[key] != known || t.generation != n.rules.generation {
				return nil, errChanging
			}
			known.table = t
			return t, nil
		}
		if err != nil && !errors.Is(err, errInterrupted) {
			return nil, err
		}
		if err := n.refresh(time.Time{}, deadline); err != nil {
			return nil, err
		}
	}
	return nil, errChanging
}

// readStable reads a table. It returns nil without an error if the ruleset changed meanwhile.
func (h *Host) readStable(n *namespace, key tableKey, deadline time.Time) (*table, error) {
	c, err := n.dial(unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, err
	}
	defer c.close()
	t, err := c.readTable(key, deadline)
	if err != nil {
		return nil, err
	}
	if t.generation, err = c.generation(deadline); err != nil || t.generation != n.rules.generation {
		return nil, err
	}
	t.read = time.Now()
	if h.nft == "" {
		return t, nil
	}
	texts, err := nftTexts(h.nft, n, key, time.Now().Add(h.timeout))
	if err != nil {
		return t, nil // this package prints the rules instead
	}
	if after, err := c.generation(time.Now().Add(h.timeout)); err == nil && after == t.generation {
		t.texts = texts
	}
	return t, nil
}

// WatchAll calls Watch for the namespaces that have a name or a process, at most namespacesMost/4 of them.
func (h *Host) WatchAll() {
	all := input.AllNetns(namespacesMost / 4)
	h.mu.Lock()
	for inode, path := range all {
		if h.namespaces[inode] == nil {
			h.namespaces[inode] = &namespace{inode: inode, path: path}
		}
	}
	h.mu.Unlock()
	h.Watch(slices.Collect(maps.Keys(all))...)
}

// Watch records the tables that the namespaces have now, so that later answers about rules of these tables are certain. It
// skips namespaces that can't be entered, and kernels without nftables. Call it before the first drop, and only if
// nftables is in use, since the kernel may load the module nf_tables.
func (h *Host) Watch(inodes ...uint32) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, inode := range inodes {
		n, err := h.enter(inode)
		if err != nil {
			continue
		}
		_ = n.refresh(time.Time{}, h.deadline()) // if it fails, later answers are not certain
		n.leave()
	}
}
