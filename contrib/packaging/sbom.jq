# SPDX-License-Identifier: Apache-2.0
#
# Adds what a Go binary does not record: the C libraries, and the licence of tracer itself. Removes what differs between
# runs of the tool.

def c_library($name; $version; $licence): ("pkg:deb/\($origin)/\($name)@\($version)?arch=source") as $purl | {
  "bom-ref": $purl, type: "library", name: $name, version: $version, scope: "required",
  licenses: [{license: {id: $licence}}], purl: $purl
};

[c_library("libpcap"; $libpcap; "BSD-3-Clause"), c_library("musl"; $musl; "MIT")] as $c
| .metadata.component["bom-ref"] as $tracer
| ($c + [.components[] | select(.name == "std")] | map(.["bom-ref"])) as $more
| .components += $c
| (.dependencies[] | select(.ref == $tracer)).dependsOn += $more
| .dependencies += [$c[] | {ref: .["bom-ref"]}]
| .metadata.component.licenses = [{expression: "Apache-2.0 AND (GPL-2.0-only OR BSD-2-Clause)"}]
| .metadata.timestamp = ($epoch | tonumber | todate)
| del(.metadata.tools[].hashes)
