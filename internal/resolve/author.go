// SPDX-License-Identifier: Apache-2.0

package resolve

import (
	"regexp"
	"slices"
	"strings"
)

// RuleFacts are the properties of a rule by which its author is found.
type RuleFacts struct {
	Family, Table, Chain string
	// Chains are the other chains on the paths to the rule.
	Chains []string
	// Comments are the comments of the rule, and of the rules that lead to its chain.
	Comments []string
	// Sets are the sets and maps that the rule looks something up in.
	Sets []string
}

// isIptables reports whether the table has a name of iptables. Several programs have chains in these tables.
func (f RuleFacts) isIptables() bool {
	return (f.Family == "ip" || f.Family == "ip6") && slices.Contains([]string{"filter", "nat", "mangle", "raw", "security"}, f.Table)
}

// Author returns the program that wrote a rule, with what the rule is about where that is known, or "" if the
// author is not certain. Rules in chains that programs create for the administrator's own rules have none.
func Author(f RuleFacts) string {
	for _, known := range authors {
		if author := known(f); author != "" {
			return author
		}
	}
	return ""
}

// authors has a function for each program, which returns "" unless the rule is certainly from this program.
var authors = []func(RuleFacts) string{
	kubeRouter, kubeProxy, kubeProxyNft, calico, cilium, flannel, docker, podman, cni, firewalld, firewalldIptables, ufw, systemd, libvirt, fail2ban, others,
}

// inChain returns the author if the rule is in a chain of iptables with one of the prefixes, or "".
func (f RuleFacts) inChain(author string, prefixes ...string) string {
	for _, prefix := range prefixes {
		if f.isIptables() && strings.HasPrefix(f.Chain, prefix) {
			return author
		}
	}
	return ""
}

// about adds the subject of a rule to its author, as in kube-proxy (service shop/web).
func about(author, kind, name string) string {
	if name == "" {
		return author
	}
	return author + " (" + kind + " " + name + ")"
}

// first returns the first group of the expression in the first comment that it matches, or "".
func (f RuleFacts) first(expression *regexp.Regexp) string {
	for _, comment := range f.Comments {
		if m := expression.FindStringSubmatch(comment); m != nil {
			return m[1]
		}
	}
	return ""
}

// routerPod matches kube-router's comments: POD name:web namespace: shop.
var routerPod = regexp.MustCompile(`POD name:(\S+) namespace: (\S+)`)

func kubeRouter(f RuleFacts) string {
	author := f.inChain("kube-router", "KUBE-ROUTER-", "KUBE-POD-FW-", "KUBE-NWPLCY-")
	if author == "" {
		return ""
	}
	for _, comment := range f.Comments {
		if m := routerPod.FindStringSubmatch(comment); m != nil {
			return about(author, "pod", m[2]+"/"+m[1])
		}
	}
	return author
}

// proxyService matches the beginning of kube-proxy's comments: shop/web:http has no endpoints.
var proxyService = regexp.MustCompile(`^(?:masquerade traffic for )?([a-z0-9.-]+/[a-z0-9.-]+(?::[a-z0-9-]+)?)(?: |$)`)

// proxyChains are the names of kube-proxy's chains, or their prefixes if they end with -, without KUBE-.
var proxyChains = []string{
	"SVC-", "SVL-", "SEP-", "EXT-", "FW-", "XLB-", "SERVICES", "EXTERNAL-SERVICES", "NODEPORTS", "POSTROUTING", "MARK-MASQ", "FORWARD", "PROXY-FIREWALL", "PROXY-CANARY",
}

func kubeProxy(f RuleFacts) string {
	name, ok := strings.CutPrefix(f.Chain, "KUBE-")
	if !ok || !f.isIptables() {
		return ""
	}
	if name == "FIREWALL" || name == "MARK-DROP" || name == "KUBELET-CANARY" {
		return "Kubernetes (kubelet or kube-proxy)" // both create these chains, depending on their versions
	}
	for _, chain := range proxyChains {
		if name == chain || strings.HasSuffix(chain, "-") && strings.HasPrefix(name, chain) {
			return about("kube-proxy", "service", f.first(proxyService))
		}
	}
	return ""
}

// proxyNftChain matches the chains of kube-proxy's nftables mode: service-ULMVA6XW-shop/web/tcp/http.
var proxyNftChain = regexp.MustCompile(`^(?:service|external|firewall|endpoint|affinity)-[A-Z0-9]{8}-([^/]+/[^/]+)/[a-z]+/([^/_]*)(?:__.*)?$`)

func kubeProxyNft(f RuleFacts) string {
	if f.Table != "kube-proxy" || f.Family != "ip" && f.Family != "ip6" {
		return ""
	}
	m := proxyNftChain.FindStringSubmatch(f.Chain)
	switch {
	case m == nil: // shared by services
		return "kube-proxy"
	case m[2] == "":
		return about("kube-proxy", "service", m[1])
	}
	return about("kube-proxy", "service", m[1]+":"+m[2])
}

func calico(f RuleFacts) string {
	if f.Table == "calico" && strings.Contains(f.Chain, "cali-") {
		return "Calico"
	}
	return f.inChain("Calico", "cali-")
}

func cilium(f RuleFacts) string { return f.inChain("Cilium", "CILIUM_", "OLD_CILIUM_") }

func flannel(f RuleFacts) string {
	if f.Table == "flannel-ipv4" && f.Family == "ip" || f.Table == "flannel-ipv6" && f.Family == "ip6" {
		return "flannel"
	}
	return f.inChain("flannel", "FLANNEL-")
}

// dockerChains are Docker's chains in the tables of iptables. DOCKER-USER has the administrator's rules.
var dockerChains = []string{
	"DOCKER", "DOCKER-ISOLATION-STAGE-1", "DOCKER-ISOLATION-STAGE-2", "DOCKER-FORWARD", "DOCKER-BRIDGE", "DOCKER-CT", "DOCKER-INTERNAL", "DOCKER-INGRESS", "DOCKER_OUTPUT", "DOCKER_POSTROUTING",
}

func docker(f RuleFacts) string {
	if f.Table == "docker-bridges" || f.isIptables() && slices.Contains(dockerChains, f.Chain) {
		return "Docker"
	}
	return ""
}

func podman(f RuleFacts) string {
	if f.Family == "inet" && f.Table == "netavark" {
		return "Podman (netavark)"
	}
	return f.inChain("Podman (netavark)", "NETAVARK-", "NETAVARK_")
}

// cniNetwork matches the comments of the CNI plugins bridge, firewall and portmap: name: "podman" id: "1f9f".
var cniNetwork = regexp.MustCompile(`name: "([^"]+)" id: "`)

// cni returns the author of chains of the CNI plugins. CNI-ADMIN has the administrator's rules.
func cni(f RuleFacts) string {
	author := f.inChain("CNI plugins", "CNI-")
	network := f.first(cniNetwork)
	switch {
	case author == "" || f.Chain == "CNI-ADMIN":
		return ""
	case network == "podman":
		return "Podman (CNI)"
	}
	return about(author, "network", network)
}

// zoneChain matches the chains of a zone or policy of firewalld: filter_IN_public, or filter_IN_public_deny.
var zoneChain = regexp.MustCompile(`^(?:filter|nat|mangle|raw)_(?:IN|OUT|FWD|FWDI|FWDO|PRE|POST)_(policy_)?(.+)$`)

func firewalld(f RuleFacts) string {
	if f.Table != "firewalld" {
		return ""
	}
	return zoned("firewalld", zoneChain, f)
}

// iptablesZoneChain matches the chains of firewalld with iptables.
var iptablesZoneChain = regexp.MustCompile(`^(?:IN|OUT|FWD|FWDI|FWDO|PRE|POST)_(policy_)?(.+)$`)

func firewalldIptables(f RuleFacts) string {
	isZones := func(chain string) bool { return strings.HasSuffix(chain, "_ZONES") }
	if !f.isIptables() || !slices.ContainsFunc(f.Chains, isZones) || !iptablesZoneChain.MatchString(f.Chain) {
		return ""
	}
	return zoned("firewalld", iptablesZoneChain, f)
}

// zoned adds the zone or policy in a chain's name to the author. What follows the last _ is part of the zone's name, unless
// the path to the rule has the chain without it.
func zoned(author string, chain *regexp.Regexp, f RuleFacts) string {
	m := chain.FindStringSubmatch(f.Chain)
	if m == nil {
		return author
	}
	kind, name := "zone", m[2]
	if m[1] != "" {
		kind = "policy"
	}
	if at := strings.LastIndex(name, "_"); at > 0 {
		outer := f.Chain[:len(f.Chain)-len(name)+at]
		if slices.Contains(f.Chains, outer) {
			name = name[:at]
		}
	}
	return about(author, kind, name)
}

func ufw(f RuleFacts) string { return f.inChain("ufw", "ufw-", "ufw6-") }

func systemd(f RuleFacts) string {
	if f.Table == "io.systemd.nat" {
		return "systemd (networkd or nspawn)"
	}
	return ""
}

func libvirt(f RuleFacts) string {
	if f.Table == "libvirt_network" {
		return "libvirt"
	}
	isFilter := func(chain string) bool { return strings.HasPrefix(chain, "libvirt-") }
	if f.isIptables() && slices.ContainsFunc(f.Chains, isFilter) {
		return "libvirt"
	}
	return f.inChain("libvirt", "LIBVIRT_", "libvirt-")
}

// fail2banSet matches the sets of fail2ban's table.
var fail2banSet = regexp.MustCompile(`^addr6?-set-(.+)$`)

func fail2ban(f RuleFacts) string {
	if f.isIptables() && strings.HasPrefix(f.Chain, "f2b-") {
		return about("fail2ban", "jail", strings.TrimPrefix(f.Chain, "f2b-"))
	}
	if f.Table != "f2b-table" {
		return ""
	}
	for _, set := range f.Sets {
		if m := fail2banSet.FindStringSubmatch(set); m != nil {
			return about("fail2ban", "jail", m[1])
		}
	}
	return "fail2ban"
}

// wgQuickRule matches the comments of wg-quick's rules in the tables of iptables.
var wgQuickRule = regexp.MustCompile(`^wg-quick\(8\) rule for (\S+)$`)

// others returns programs that are known by the name of a table or chain alone.
func others(f RuleFacts) string {
	switch {
	case f.Table == "lxd" && f.Family == "inet":
		return "LXD"
	case f.Table == "incus" && f.Family == "inet":
		return "Incus"
	case strings.HasPrefix(f.Table, "wg-quick-"):
		return about("wg-quick", "interface", strings.TrimPrefix(f.Table, "wg-quick-"))
	}
	if device := f.first(wgQuickRule); device != "" && f.isIptables() {
		return about("wg-quick", "interface", device)
	}
	if author := f.inChain("Tailscale", "ts-input", "ts-forward", "ts-postrouting"); author != "" {
		return author
	}
	return f.inChain("Istio", "ISTIO_")
}
