#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# sbom.sh TRACER GOARCH VERSION LIBPCAP: prints the SBOM of the binary TRACER as CycloneDX JSON: the Go modules, which
# are recorded in the binary, and the C libraries. LIBPCAP is the folder that libpcap/build.sh created. The output is
# reproducible: it has no random values and no current time.
set -euo pipefail
shopt -s inherit_errexit
cd "$(dirname "$0")/../.."

tracer=$1 arch=$2 version=$3 libpcap=$4

# The tool runs on this machine, and reads the architecture of the binary from its environment.
list_modules() {
	"${GO:-go}" run -exec "env GOOS=linux GOARCH=$arch CGO_ENABLED=1" \
		"$CYCLONEDX" bin -json -std -noserial -notimestamp -version "$version" "$tracer"
}

modules=$(list_modules)
jq --from-file contrib/packaging/sbom.jq --arg epoch "$SOURCE_DATE_EPOCH" \
	--arg libpcap "$(cat "$libpcap/version")" --arg origin "$(cat "$libpcap/origin")" \
	--arg musl "$(dpkg-query --show --showformat '${source:Version}' musl-dev)" <<<"$modules"
