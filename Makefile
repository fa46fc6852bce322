# SPDX-License-Identifier: GPL-2.0-or-later

export GOTOOLCHAIN := auto
export CGO_ENABLED := 0

PREFIX  ?= /usr/local
DESTDIR ?=
SIZE    ?= 10k
ENDPOINT ?=
PAGE    ?=

# Packages with goroutines; the race detector needs cgo. It runs without the extra test data: whole archives take it ten minutes, and show it nothing new.
# Pages are asked for and used, but not judged by their looks.
RACE    := job ingress patch/patchmail app test/pagetest
TESTS   := go run ./internal/test/runtests

# How long each fuzz test runs, and an expression for which: "package function".
FUZZTIME ?= 1m
FUZZ     ?= .

.DEFAULT_GOAL := build
.PHONY: help build run deps test race soak fuzz bench bench-api bench-intake bench-web check install clean FORCE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: bin/pw ## build bin/pw (the default)

bin/pw: FORCE
	go build -trimpath -o $@ ./cmd/pw

run: build ## build and run the site on a demo database in ./data
	@sh scripts/demo.sh bin/pw

deps: ## install PostgreSQL, MariaDB, Chromium and mail programs for the tests (apt, root)
	sh scripts/deps.sh

test: ## run all tests; as root installs what they need first
	@sh scripts/deps.sh --try
	@$(TESTS) -timeout 10m ./...

race: ## run the packages with goroutines under the race detector
	@sh scripts/deps.sh --try gcc
	@dirs=; for p in $(RACE); do \
		if ls internal/$$p/*_test.go >/dev/null 2>&1; then dirs="$$dirs ./internal/$$p"; fi; done; \
	if [ -z "$$dirs" ]; then echo 'race: none of $(RACE) has tests'; \
	else set -x; CI= PW_SHARED=none CGO_ENABLED=1 PW_TEST_ENGINES=sqlite go test -race -timeout 20m $$dirs; fi

soak: ## run all tests at their long sizes (PW_SOAK=1), on servers that write to disk
	@sh scripts/deps.sh --try
	@PW_SOAK=1 PW_TEST_DURABLE=1 $(TESTS) -count=1 -timeout 2h ./...

fuzz: ## run each fuzz test for FUZZTIME (1m), those that match FUZZ only
	@sh scripts/fuzz.sh $(FUZZTIME) '$(FUZZ)'

bench: ## run the benchmarks, on servers that write to disk
	@sh scripts/deps.sh --try
	@dirs=$$(grep -rl --include='*_test.go' '^func Benchmark' cmd internal | xargs -r -n1 dirname | sort -u | sed 's,^,./,'); \
	if [ -z "$$dirs" ]; then echo 'bench: no package has benchmarks'; \
	else set -x; PW_TEST_DURABLE=1 go test -run '^$$' -bench . -benchmem -timeout 2h $$dirs; fi

bench-intake: ## how fast mail is taken in, and where the time goes; SIZE=10k, 100k or 1M mails
	@sh scripts/deps.sh --try
	PW_TEST_DURABLE=1 SIZE=$(SIZE) go test -run '^$$' -bench . -benchtime 1x -timeout 6h ./internal/test/intakebench

bench-api: ## how fast the API answers, and with how many queries; SIZE=10k, 100k or 1M patches, ENDPOINT=part of a name, KEEP=directory for filled databases
	@sh scripts/deps.sh --try
	PW_TEST_DURABLE=1 SIZE=$(SIZE) ENDPOINT='$(ENDPOINT)' KEEP='$(if $(KEEP),$(abspath $(KEEP)))' go test -run '^$$' -bench . -benchtime 1x -timeout 6h ./internal/test/apibench

bench-web: ## how fast pages are made, how large they are, and with how many queries; SIZE=10k, 100k or 1M patches, PAGE=part of a name, KEEP=directory for filled databases
	@sh scripts/deps.sh --try
	PW_TEST_DURABLE=1 SIZE=$(SIZE) PAGE='$(PAGE)' KEEP='$(if $(KEEP),$(abspath $(KEEP)))' go test -run '^$$' -bench . -benchtime 1x -timeout 6h ./internal/test/webbench

check: ## format, vet, staticcheck, architecture, generated files, go.mod, scripts
	@unformatted=$$("$$(go env GOROOT)/bin/gofmt" -l cmd internal) || exit 1; \
	if [ -n "$$unformatted" ]; then echo "gofmt these files:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go tool -modfile=tools/go.mod staticcheck ./...
	go test ./internal/test/arch
	sh scripts/generated.sh
	sh scripts/tidy.sh
	for f in scripts/*.sh contrib/git-hooks/*; do sh -n "$$f" || exit 1; done
	bash -n .ci/run

install: build ## install pw, its manual pages and shell completions under $(DESTDIR)$(PREFIX)
	install -D -m 755 bin/pw '$(DESTDIR)$(PREFIX)/bin/pw'
	@rm -rf bin/man && bin/pw man bin/man >/dev/null
	@for s in bash zsh fish; do bin/pw completion $$s >bin/pw.$$s || exit 1; done
	@put() { echo "install $$2"; install -D -m 644 "$$1" "$(DESTDIR)$(PREFIX)/$$2"; }; set -e; \
	for f in bin/man/*.[1-8]; do put "$$f" "share/man/man$${f##*.}/$${f##*/}"; done; \
	put bin/pw.bash share/bash-completion/completions/pw; \
	put bin/pw.zsh share/zsh/site-functions/_pw; \
	put bin/pw.fish share/fish/vendor_completions.d/pw.fish

clean: ## remove what build made; the database in ./data stays
	rm -rf bin
