# SPDX-License-Identifier: Apache-2.0
#
# The image is the static binary and the names of ports for filters such as `port http`.
# It is built for the machine that builds it, or with emulation for any other:
#
#   docker build --tag tracer .
#   docker run --rm -it --privileged --pid=host --network=host \
#     --volume /sys/kernel/tracing:/sys/kernel/tracing:ro tracer --output-tuple icmp

FROM golang:1.26-bookworm AS build
ARG VERSION=devel COMMIT=unknown
WORKDIR /src
COPY . .
RUN make VERSION="$VERSION" COMMIT="$COMMIT"
RUN apt-get install --yes --no-install-recommends netbase

FROM scratch
COPY --from=build /src/tracer /usr/bin/tracer
COPY --from=build /etc/services /etc/services
ENTRYPOINT ["/usr/bin/tracer"]
