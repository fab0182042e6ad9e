// SPDX-License-Identifier: Apache-2.0

// Package bpf contains the BPF programs as generated objects, one per GOARCH, and makes the collection
// that a plan needs: it copies the requested programs, writes the settings and inserts the compiled filters.
package bpf

//go:generate go tool bpf2go -go-package bpf -target amd64,arm64,loong64,ppc64le,riscv64,s390x -tags linux -type record_core -type record_meta -type record_tuple -type record_first -type first_by -type record_tunnel -type record_cb -type record_return -type record_lineage -type record_hook -type hook_has -type hook_object -type record_direction -type record_conntrack -type record_head -type conntrack_has -type record_map -type map_operation -type map_limit -type record_limit -type record_kind -type record_part -type record_flag -type tuple_has -type origin -type branch -type skb_op -type skb_op_kind -type caller -type counters -type arguments -type benign_kind -type benign_reason -type holders -type name_pattern -type why_limit -type record_why -type record_packet -type packet_limit -type site_range -type decision_function -type decision_setting -type decision_flag -type decision_limit -type decision_call_limit -type moved_counter -type site_limit -type nft_rule_values -type xt_rule_values tracer ../../bpf/tracer.bpf.c -- -I ../../bpf -O2 -g -mcpu=v3 -Wall -Wextra -Werror
//go:generate go run ./gen
