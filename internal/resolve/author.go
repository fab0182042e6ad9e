// SPDX-License-Identifier: Apache-2.0

package resolve

func (t *table) author(RuleKey, RuleText) string { return "" }
