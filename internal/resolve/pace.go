// SPDX-License-Identifier: Apache-2.0

package resolve

import "time"

// rest is the length of the pause after a question, as a multiple of the time that the question took: so questions of one
// kind take at most a tenth of the time.
const rest = 9

// pace limits how often a question is asked.
type pace struct{ next time.Time }

// due reports whether the question may be asked now.
func (p *pace) due(now time.Time) bool { return !now.Before(p.next) }

// took begins the pause after a question that began at start. least is the shortest pause.
func (p *pace) took(start time.Time, least time.Duration) {
	end := time.Now()
	p.next = end.Add(max(least, rest*end.Sub(start)))
}
