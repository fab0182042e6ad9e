# SPDX-License-Identifier: Apache-2.0
#
# The image has the static binary, its licences, and /etc/services for filters such as
# `port http`. Each platform is cross-built on the platform of the machine, without emulation:
#
#   docker build --tag tracer .
#   docker buildx build --platform linux/amd64,linux/arm64,linux/ppc64le,linux/riscv64,linux/s390x --tag REGISTRY/tracer --push .
#   docker run --rm -it --privileged --pid=host --network=host \
#     --volume /sys/kernel/tracing:/sys/kernel/tracing:ro tracer --output-tuple icmp

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY . .
ARG TARGETARCH VERSION=devel COMMIT=unknown
RUN make image-files GOARCH="$TARGETARCH" VERSION="$VERSION" COMMIT="$COMMIT"

FROM scratch
COPY --from=build /src/build/image /
ENTRYPOINT ["/usr/bin/tracer"]
