# SPDX-License-Identifier: Apache-2.0
#
# Builds, checks and tests everything. Each target installs what it needs (.ci/install), so that bash,
# Go, make and root are enough to begin with.

GO       ?= go
# Targets that do not need Go. The version of Go is checked before all others.
GOLESS   := help clean install uninstall

ifneq ($(filter-out $(GOLESS),$(or $(MAKECMDGOALS),all)),)
$(if $(shell command -v bash 2>/dev/null),,$(error bash is missing, which the scripts here need: install it))
PROBLEM  := $(shell .ci/check-go '$(GO)')
$(if $(PROBLEM),$(error $(PROBLEM)))
HOSTARCH := $(shell $(GO) env GOHOSTARCH)
ARCH     := $(shell $(GO) env GOARCH)
# Modules are taken from the module cache first, so that the pinned tools below also run offline.
MODCACHE := $(shell $(GO) env GOMODCACHE)
export GOPROXY := $(if $(word 2,$(MODCACHE)),,file://$(MODCACHE)/cache/download,)$(shell $(GO) env GOPROXY)
endif
# All supported architectures.
ARCHES   := amd64 arm64 ppc64le riscv64 s390x
# The architecture to build for: make GOARCH=arm64, or go env GOARCH.
ARCH     := $(or $(GOARCH),$(ARCH))
# Tools and tests always run on this machine; only the build itself uses ARCH.
override export GOARCH := $(HOSTARCH)
OTHERS   := $(filter-out $(HOSTARCH),$(ARCHES))
BINARY   := $(if $(filter $(HOSTARCH),$(ARCH)),tracer,build/$(ARCH)/tracer)

VERSION  ?= $(or $(shell git describe --tags --always --dirty 2>/dev/null),devel)
COMMIT   ?= $(or $(shell git rev-parse --verify HEAD 2>/dev/null),unknown)
# The build time in binaries and packages is the time of the commit, so that builds are reproducible.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null)
DATE     := $(if $(SOURCE_DATE_EPOCH),$(shell date -u -d @$(SOURCE_DATE_EPOCH) +%F))
LDFLAGS  := -s -w -X tracer/internal/cli.version=$(VERSION) -X tracer/internal/cli.commit=$(COMMIT) -X tracer/internal/cli.date=$(DATE)
PREFIX   ?= /usr/local
TRACER   ?= tracer
RELEASE  ?= build/release

# The version of the BPF compiler is pinned, since another version produces different bytes.
CLANG         := clang-19
CLANG_VERSION := 19.1.7
STATICCHECK   := honnef.co/go/tools/cmd/staticcheck@v0.7.0
ACTIONLINT    := github.com/rhysd/actionlint/cmd/actionlint@v1.7.12
# Tools for packages and SBOMs.
NFPM          := github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.45.2
CYCLONEDX     := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
# The tool that draws terminal output as SVG.
FREEZE        := github.com/charmbracelet/freeze@v0.2.2

# Every shell script of the repository.
SCRIPTS := $(wildcard .ci/* .github/actions/*/start .github/actions/*/stop contrib/tracer-on-k8s contrib/packaging/*.sh e2e/*.sh libpcap/*.sh internal/cli/completion.bash)

SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

# make LIBPCAP_SOURCE=FILE builds libpcap from an upstream tar file; make DEBIAN_MIRROR=URL fetches
# everything that comes from Debian from that mirror.
export LIBPCAP_SOURCE DEBIAN_MIRROR

# $(call musl,GOARCH): sets the environment in which Go links with musl and the static libpcap, or
# with this system's libraries if there is no source of libpcap. STATIC inserts the shell's $LINK into
# -ldflags '...', by closing and reopening its quotes.
musl   = flags=$$(libpcap/link.sh $(1)) && eval "$$flags" && GOARCH=$(1)
STATIC = '"$$LINK"'

# $(call static,GOARCH,OUTPUT): builds the static binary.
define static
	@.ci/install build $(if $(filter $(HOSTARCH),$(1)),,cross-$(1))
	$(call musl,$(1)) $(GO) build -trimpath -buildvcs=false -ldflags '-buildid= $(LDFLAGS) $(STATIC)' -o $(2) ./cmd/tracer
endef

.PHONY: all
all: $(BINARY) ## build ./tracer; GOARCH=arm64, … cross-builds build/GOARCH/tracer

.PHONY: FORCE
tracer: FORCE
	$(call static,$(HOSTARCH),$@)

build/%/tracer: FORCE
	$(call static,$*,$@)

.PHONY: install uninstall
install: ## copy ./tracer, built before, its manual page and completions to PREFIX (/usr/local)
	@test -x "$(TRACER)" || { echo "there is no $(TRACER) yet: run make first" >&2; exit 1; }
	contrib/packaging/install.sh "$(TRACER)" "$(DESTDIR)$(PREFIX)"

uninstall: ## remove what make install copied, with the same PREFIX and DESTDIR
	contrib/packaging/install.sh --remove "$(DESTDIR)$(PREFIX)"

.PHONY: fetch
fetch: ## fetch everything that make and the tests need, to run them later without a network
	GO=$(GO) ARCHES='$(sort $(HOSTARCH) $(ARCHES))' contrib/packaging/fetch.sh $(STATICCHECK) $(ACTIONLINT) $(NFPM) $(CYCLONEDX)

.PHONY: release artefacts
release: ## build VERSION=v1.2.3 for every architecture into build/release, with checksums
	@contrib/packaging/version.sh "$(VERSION)"
	@test -z "$(LIBPCAP_SOURCE)" || { echo "LIBPCAP_SOURCE=$(LIBPCAP_SOURCE): a release uses the libpcap of the distribution" >&2; exit 1; }
	@contrib/packaging/committed.sh
	$(MAKE) artefacts

artefacts: $(patsubst %,build/%/tracer,$(sort $(HOSTARCH) $(ARCHES)))
	@.ci/install release
	@contrib/packaging/static.sh $^
	SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) GO=$(GO) NFPM=$(NFPM) CYCLONEDX=$(CYCLONEDX) \
		contrib/packaging/release.sh $(RELEASE) $(VERSION) build/$(HOSTARCH)/tracer $(ARCHES)

# The version of builds that are only checked.
CHECKED := v0.0.0-check

.PHONY: check-release check-packages
check-release: ## build a release twice, at two paths, and compare every byte
	$(MAKE) artefacts VERSION=$(CHECKED) RELEASE=build/check-release
	contrib/packaging/check-release.sh build/check-release $(CHECKED) $(COMMIT) $(SOURCE_DATE_EPOCH)

check-packages: ## install the packages for this machine into temporary roots, and remove them
	@.ci/install packages
	$(MAKE) artefacts VERSION=$(CHECKED) RELEASE=build/check-packages ARCHES=$(HOSTARCH)
	$(SUDO) contrib/packaging/check-packages.sh build/check-packages/*.deb build/check-packages/*.rpm $(CHECKED)

.PHONY: image-files check-image
image-files: build/$(ARCH)/tracer # puts the files of the image into build/image, for the Dockerfile
	@contrib/packaging/static.sh $<
	@.ci/install image-files
	install -D -m 755 $< build/image/usr/bin/tracer
	install -D -m 644 -t build/image/etc /etc/services
	install -D -m 644 -t build/image/usr/share/doc/netbase /usr/share/doc/netbase/copyright
	install -d build/image/usr/share/licenses/tracer
	GO=$(GO) contrib/packaging/licences.sh $< $$(libpcap/build.sh $(ARCH)) >build/image/usr/share/licenses/tracer/LICENCES

check-image: ## build the image for every architecture without a registry, and check its files
	@.ci/install image
	$(SUDO) env GO=$$(command -v $(GO)) contrib/packaging/check-image.sh $(ARCHES)

.PHONY: check-native
check-native: ## build natively in an emulated Debian, of architecture NATIVE=arm64
	@.ci/install native
	$(SUDO) env GO=$$(command -v $(GO)) contrib/packaging/check-native.sh $(or $(NATIVE),arm64)

.PHONY: check-builds
check-builds: fetch ## build in other environments: another mirror, no apt, an upstream libpcap, no network
	$(SUDO) env GO=$$(command -v $(GO)) contrib/packaging/check-builds.sh $(firstword $(OTHERS))

.PHONY: demo
demo: tracer ## trace a ping and a drop on this machine, and print the rows
	@.ci/install demo
	$(SUDO) .ci/demo ./tracer

.PHONY: picture
picture: ## record docs/picture.svg, the picture in README.md, in a virtual machine
	TRACER_E2E_RUN=TestPicture $(MAKE) e2e TRACER_E2E=6.12-amd64
	$(GO) run $(FREEZE) --language ansi --font.family "'DejaVu Sans Mono', Menlo, Consolas, monospace" \
		--padding 20 --border.radius 8 --output docs/picture.svg - <build/e2e/6.12-amd64/picture.ansi

.PHONY: test test-all
test: ## run what every change must pass: lint, generated files, unit tests, the essentials on every kernel
	@echo "make test: lint, generated files, unit tests, then the essentials in virtual machines;"
	@echo "about 30 minutes on two cores, and 3 more if packages and kernels are not cached; make test-all runs everything"
	$(MAKE) lint check-generated unit
	$(MAKE) e2e TRACER_E2E=quick

test-all: ## run every test, on every machine, and check packages, image, builds and release
	@echo "make test-all: everything in make test, every test in every virtual machine, packages, image, builds and release;"
	@echo "about two hours on two cores, and 5 minutes more if packages and kernels are not cached"
	$(MAKE) lint check-generated unit check-packages check-image check-builds check-release
	$(MAKE) e2e TRACER_E2E=all

.PHONY: unit
unit: tracer ## run the tests that need no virtual machine, as root
	@.ci/install build test
	TRACER=$(CURDIR)/tracer $(GO) test $(if $(SUDO),-exec $(SUDO)) ./...
	$(call musl,$(HOSTARCH)) $(GO) test -ldflags '$(STATIC)' ./libpcap

# TRACER_E2E is a tier or a list of machines. E2E_NAMES are the kernels of such a list, E2E_ARCHES the architectures to
# build for, E2E_KERNELS the arguments of fetch-kernels.sh (kernels or architectures).
TRACER_E2E ?= all
comma      := ,
E2E_NAMES  := $(subst $(comma), ,$(patsubst %-lockdown,%,$(subst smoke,6.12-amd64,$(subst cost,6.12-amd64$(comma)7-amd64,$(TRACER_E2E)))))
E2E_ARCHES := $(if $(filter all full,$(TRACER_E2E)),$(ARCHES),$(if $(filter quick,$(TRACER_E2E)),amd64 arm64,$(filter $(ARCHES),$(subst -, ,$(E2E_NAMES)))))
E2E_KERNELS = $(if $(filter all full quick,$(TRACER_E2E)),$(E2E_ARCHES),$(E2E_NAMES))

.PHONY: e2e e2e-smoke
e2e: machines ## run the tests in virtual machines: TRACER_E2E=quick, all (default), full (every test on each), or their names
	e2e/fetch-kernels.sh $(E2E_KERNELS)
	cd e2e && TRACER_E2E=$(TRACER_E2E) $(GO) test -count=1 -timeout $(if $(filter full,$(TRACER_E2E)),240m,170m)

e2e-smoke: ## run the tests in one virtual machine
	$(MAKE) e2e TRACER_E2E=smoke

.PHONY: bench
bench: machines ## measure tracer; PWRU=FILE compares with a static pwru, BENCH=6.12-amd64,… selects kernels, SUBJECTS=causes --drop
	e2e/fetch-kernels.sh
	$(GO) run $(if $(SUDO),-exec $(SUDO)) ./e2e/bench -commit $(VERSION) -pwru "$(PWRU)" -machines "$(BENCH)" -subjects "$(or $(SUBJECTS),all)"

.PHONY: machines
machines: tracer $(patsubst %,build/%/tracer,$(filter-out $(HOSTARCH),$(E2E_ARCHES)))
	@.ci/install e2e $(sort $(E2E_ARCHES:%=e2e-%))
	@contrib/packaging/static.sh $^

.PHONY: lint
lint: ## check format, vet, staticcheck, shellcheck, actionlint
	@.ci/install test lint
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "not formatted by gofmt: $$unformatted" >&2; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	shellcheck --external-sources --source-path=SCRIPTDIR $(SCRIPTS)
	$(GO) run $(ACTIONLINT)

.PHONY: generate check-generated
generate: ## regenerate the BPF objects and their Go code from bpf/
	.ci/generate $(CLANG) $(CLANG_VERSION)

check-generated: ## fail if the committed BPF objects or their Go code are stale
	.ci/generate $(CLANG) $(CLANG_VERSION) check

.PHONY: clean
clean: ## remove build results; the cache (XDG_CACHE_HOME/tracer) stays
	rm -rf tracer build

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 17
