# Everything that a person does with this repository. `make help` lists it.

SHELL := /bin/bash
export PATH := $(HOME)/.cargo/bin:$(PATH)
PREFIX ?= /usr/local
LANDFALL := target/release/landfall

.PHONY: help up down test torture bench check install uninstall
.DEFAULT_GOAL := help

help: ## shows this
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

up: ## installs what is missing, builds, starts a cloud and boots a first real instance
	@scripts/up.sh

down: ## stops the guests and ends the cloud
	@. scripts/parts.sh && as_root $(LANDFALL) down --guests stop

test: ## installs what tests need, and passes all that this machine can run
	@scripts/test.sh

torture: ## the long run, of which `make test` takes a sample
	@scripts/long.sh tests/torture

bench: ## measures, each figure next to what it is compared with
	@scripts/long.sh tests/bench

check: ## fmt, tidy, licences, clippy: what to run before a commit
	cargo fmt --all --check
	cargo xtask tidy
	@scripts/deny.sh
	cargo clippy --workspace --all-targets -- -D warnings

install: ## puts the built binary and its systemd unit in place (with sudo)
	install -D -m 755 $(LANDFALL) $(DESTDIR)$(PREFIX)/bin/landfall
	sed 's#/usr/local/bin#$(PREFIX)/bin#' packaging/landfall.service | install -D -m 644 /dev/stdin $(DESTDIR)/etc/systemd/system/landfall.service
	sed 's#/usr/local/bin#$(PREFIX)/bin#' packaging/landfall-agent.service | install -D -m 644 /dev/stdin $(DESTDIR)/etc/systemd/system/landfall-agent.service

uninstall: ## removes what `install` puts in place; the state stays
	rm -f $(DESTDIR)$(PREFIX)/bin/landfall $(DESTDIR)/etc/systemd/system/landfall.service
