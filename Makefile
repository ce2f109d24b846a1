# SPDX-License-Identifier: Apache-2.0

VERSION ?= 0.1.0-dev
COMMIT  ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
PREFIX  ?= /usr/local

GO      ?= go
TAGS    := urfave_cli_no_docs
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)

# No C in the product, whatever machine it is built on.
export CGO_ENABLED := 0
# Tests that run the binary find it here. Go does not see that it changes: hence -count=1.
export TARE := $(CURDIR)/tare

.DEFAULT_GOAL := build
.PHONY: help build install test unit integration arm64 cross vm vm-selinux lint check bench crashes fuzz demo clean packages

help: ## say what there is
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 14

build: ## build ./tare
	$(GO) build -trimpath -buildvcs=false -tags $(TAGS) -ldflags '$(LDFLAGS)' -o tare .

install: build ## install to $(DESTDIR)$(PREFIX)/bin
	install -D -m 0755 tare $(DESTDIR)$(PREFIX)/bin/tare

demo: build ## run a real container and show what it sees of the host
	./tare demo

test: packages build cross arm64 ## install what tests need, where possible, and run them all
	$(GO) test -tags $(TAGS) -count=1 -timeout 15m ./...

packages: ## install the Debian packages that tests use
	@.ci/packages

unit: ## run the tests that start no container
	$(GO) test -tags $(TAGS) $$($(GO) list ./... | grep -v /integration)

integration: build ## run the tests that start containers
	$(GO) test -tags $(TAGS) -count=1 -timeout 15m ./integration/...

# The executor is the only code that differs between architectures, and the plan is what it runs.
arm64: ## run the executor's tests as arm64, under qemu-user
	@command -v qemu-aarch64-static >/dev/null || { echo 'arm64 is not tested: apt-get install qemu-user-static'; exit 0; }; \
	GOARCH=arm64 $(GO) test -tags $(TAGS) -exec qemu-aarch64-static ./spec/... ./libcontainer/plan/... ./libcontainer/executor/...

vm: build ## run the tests that start containers in a virtual machine with cgroup v2: integration/vm
	rm -rf build/vm && mkdir -p build/vm
	cp -r tare integration/testdata build/vm
	$(GO) test -tags $(TAGS) -c -o build/vm/integration.test ./integration
	$(GO) test -tags $(TAGS) -c -o build/vm/cgroup.test ./libcontainer/cgroup
	test -e $${VM_DIR:-$$HOME/.cache/tare-vm/$${VM_SUITE:-trixie}}/state || { integration/vm/vm.sh build && integration/vm/vm.sh bake; }
	VM_BACK=0 integration/vm/vm.sh run build/vm -- sh -c 'TARE=/mnt/work/tare ./integration.test && ./cgroup.test'

# The policy's own domain for containers, enforced; tare is called by one that may do all.
vm-selinux: build ## the same for labels, with SELinux enforcing
	rm -rf build/vm && mkdir -p build/vm
	cp -r tare integration/testdata build/vm
	$(GO) test -tags $(TAGS) -c -o build/vm/integration.test ./integration
	export VM_SELINUX=1 VM_DIR=$${VM_DIR:-$$HOME/.cache/tare-vm/selinux} VM_BACK=0; \
	test -e $$VM_DIR/state || { integration/vm/vm.sh build && integration/vm/vm.sh bake; } && \
	integration/vm/vm.sh run build/vm -- runcon -t unconfined_t sh -c 'setenforce 1 && TARE=/mnt/work/tare ./integration.test -test.v -test.run TestScripts/labels'

# There is no executor for these yet: the program builds, and says so when it is started.
cross: ## build for the other architectures
	@for a in arm64 riscv64 ppc64le s390x 386 arm; do \
		GOARCH=$$a $(GO) build -tags $(TAGS) -o build/tare-$$a . || exit 1; \
	done

lint: build ## format, vet and analyse, for amd64 and arm64
	@unformatted=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
	test -z "$$unformatted" || { echo "gofmt: $$unformatted"; exit 1; }
	GOARCH=amd64 $(GO) vet -tags $(TAGS) ./...
	GOARCH=arm64 $(GO) vet -tags $(TAGS) ./...
	$(GO) build -o build/staticcheck honnef.co/go/tools/cmd/staticcheck
	GOARCH=amd64 build/staticcheck -tags $(TAGS) ./...
	GOARCH=arm64 build/staticcheck -tags $(TAGS) ./...
	$(GO) run ./internal/cmd/lint -binary tare

check: ## regenerate, format, lint and tidy; fails if that changes anything
	$(GO) generate ./...
	gofmt -w $$(git ls-files '*.go')
	$(GO) mod tidy
	$(MAKE) --no-print-directory lint
	@changed=$$(git status --porcelain); test -z "$$changed" || { echo 'The tree is not clean:'; echo "$$changed"; exit 1; }

bench: build ## measure against the floor and the peers: docs/benchmarks.md
	mkdir -p build/bench docs
	$(CC) -O2 -static -Wall -Wextra -o build/bench/floor bench/floor/*.c
	$(CC) -O2 -static -o build/bench/empty-c bench/floor/empty/empty.c
	$(GO) build -trimpath -ldflags '-s -w' -o build/bench/empty-go ./bench/empty
	$(GO) build -trimpath -ldflags '-s -w' -o build/bench/decode ./bench/decode
	$(GO) build -o build/bench/bench ./bench
	build/bench/bench -tare tare -out docs/benchmarks.md

crashes: build ## kill tare at each of its system calls: docs/crashes.md
	TARE_CRASH_REPORT=$(CURDIR)/docs/crashes.md $(GO) test -tags $(TAGS) -count=1 -timeout 15m ./integration/crash

fuzz: ## fuzz the decoder, the compiler and the text form, a minute each
	$(GO) test -tags $(TAGS) -fuzz FuzzDecode -fuzztime 1m -fuzzminimizetime 5x ./spec
	$(GO) test -tags $(TAGS) -fuzz FuzzValidate -fuzztime 1m -fuzzminimizetime 5x ./spec
	$(GO) test -tags $(TAGS) -fuzz FuzzCompile -fuzztime 1m -fuzzminimizetime 5x ./libcontainer/compile
	$(GO) test -tags $(TAGS) -fuzz FuzzParse -fuzztime 1m -fuzzminimizetime 5x ./libcontainer/plan
	$(GO) test -tags $(TAGS) -fuzz FuzzEnd -fuzztime 1m -fuzzminimizetime 5x ./libcontainer/plan/interp

clean: ## remove what was built
	rm -rf tare build dist
