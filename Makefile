# `make` alone says what there is to do.

# What is built or installed for the tests lives outside of the clone, so that the next clone on
# the same machine finds it.
cache := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/parterre
venv := $(cache)/venv
cargo_deny := $(cache)/tools/bin/cargo-deny

# Where the demo keeps its data; remove the folder to start over.
DATA ?= demo-data

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## Build and run a server with example partners on http://127.0.0.1:8080
	cargo build --profile demo --no-default-features
	cargo run --quiet --profile demo --no-default-features -- serve --demo --data $(DATA)

.PHONY: check
check: ## Formatting, lints, documentation, licences and sources of what we depend on
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo check --no-default-features
	RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps
	tools/install-test-tools cargo-deny
	$(cargo_deny) --workspace check --hide-inclusion-graph licenses sources bans

.PHONY: test
test: ## All tests on both engines, and those from outside, with what they need installed
	tools/install-test-tools curl postgresql python strace
	tests/with-postgres cargo test --workspace
	cargo build
	tests/with-postgres $(venv)/bin/python -m pytest tests/outside

.PHONY: proof
proof: ## Sell to many at once, crash, and sell on, as often as docs/selling.md says
	tools/install-test-tools postgresql python
	cargo build
	PARTERRE_CASES=60 tests/with-postgres cargo test --test it model::
	PARTERRE_ROUNDS=20 PARTERRE_KILLS=50 tests/with-postgres $(venv)/bin/python -m pytest -rP \
		tests/outside/test_on_sale.py tests/outside/test_crashes.py

.PHONY: bench
bench: ## Measure, as docs/performance.md describes
	tools/install-test-tools postgresql wrk
	cargo build --release
	tests/with-postgres benches/run
