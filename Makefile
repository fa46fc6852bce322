# SPDX-License-Identifier: GPL-2.0-or-later

export GOTOOLCHAIN := auto
export CGO_ENABLED := 0

PREFIX  ?= /usr/local
DESTDIR ?=

# Packages with goroutines; the race detector needs cgo.
RACE    := job ingress patch/patchmail app
TESTS   := go run ./internal/test/runtests

.DEFAULT_GOAL := build
.PHONY: help build run deps test race soak bench check install clean FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: bin/pw ## build bin/pw (the default)

bin/pw: FORCE
	go build -trimpath -o $@ ./cmd/pw

run: build ## build, make a database in ./data and say what to try
	mkdir -p data
	PW_DATABASE_URL=sqlite:data/patchwork.db bin/pw db sync
	@echo 'The database is data/patchwork.db. Try, after: export PW_DATABASE_URL=sqlite:data/patchwork.db'
	@echo '  bin/pw admin project create --help'
	@echo '  bin/pw ingress --help'

deps: ## install PostgreSQL, MariaDB and Chromium for the tests (apt, root)
	sh scripts/deps.sh

test: ## run all tests; as root installs what they need first
	@sh scripts/deps.sh --try
	@$(TESTS) -timeout 10m ./...

race: ## run the packages with goroutines under the race detector
	@sh scripts/deps.sh --try gcc
	@dirs=; for p in $(RACE); do \
		if ls internal/$$p/*_test.go >/dev/null 2>&1; then dirs="$$dirs ./internal/$$p"; fi; done; \
	if [ -z "$$dirs" ]; then echo 'race: none of $(RACE) has tests'; \
	else set -x; CGO_ENABLED=1 PW_TEST_ENGINES=sqlite go test -race -timeout 20m $$dirs; fi

soak: ## run all tests at their long sizes (PW_SOAK=1), on servers that write to disk
	@sh scripts/deps.sh --try
	@PW_SOAK=1 PW_TEST_DURABLE=1 $(TESTS) -count=1 -timeout 2h ./...

bench: ## run the benchmarks, on servers that write to disk
	@sh scripts/deps.sh --try
	@dirs=$$(grep -rl --include='*_test.go' '^func Benchmark' cmd internal | xargs -r -n1 dirname | sort -u | sed 's,^,./,'); \
	if [ -z "$$dirs" ]; then echo 'bench: no package has benchmarks'; \
	else set -x; PW_TEST_DURABLE=1 go test -run '^$$' -bench . -benchmem -timeout 2h $$dirs; fi

check: ## format, vet, staticcheck, architecture, generated files, go.mod, scripts
	@unformatted=$$("$$(go env GOROOT)/bin/gofmt" -l cmd internal) || exit 1; \
	if [ -n "$$unformatted" ]; then echo "gofmt these files:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go tool -modfile=tools/go.mod staticcheck ./...
	go test ./internal/test/arch
	sh scripts/generated.sh
	sh scripts/tidy.sh
	for f in scripts/*.sh; do sh -n "$$f" || exit 1; done
	bash -n .ci/run

install: build ## install under $(DESTDIR)$(PREFIX)
	install -D -m 755 bin/pw '$(DESTDIR)$(PREFIX)/bin/pw'
	@put() { if [ -e "$$1" ]; then echo "install $$1"; install -D -m 644 "$$1" "$(DESTDIR)$(PREFIX)/$$2"; fi; }; \
	for f in contrib/man/*.[1-8]; do put "$$f" "share/man/man$${f##*.}/$${f##*/}"; done; \
	for f in contrib/systemd/*; do put "$$f" "lib/systemd/system/$${f##*/}"; done; \
	put contrib/completion/pw.bash share/bash-completion/completions/pw; \
	put contrib/completion/_pw share/zsh/site-functions/_pw; \
	put contrib/completion/pw.fish share/fish/vendor_completions.d/pw.fish

clean: ## remove what build made; the database in ./data stays
	rm -rf bin
