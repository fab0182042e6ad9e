// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
//
// A hook function of netfilter whose calls make no records: the last call of each packet
// explains its drop.
#pragma once

SEC("kprobe/hook")
int kprobe_hook(struct registers *regs)
{
	const struct sk_buff *skb = (void *)context_word(regs, CHOSEN_WORD);
	struct hook_call call;

	if (is_return(regs))
		return 0;
	if (running && skb) {
		find_call(&call, regs, probed_function(regs));
		note_hook(skb, &call);
	}
	return entered(false);
}
