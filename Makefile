# bizops: what can be done here. `make` alone lists it.
CARGO ?= cargo

.DEFAULT_GOAL := help
.PHONY: help demo demo-down test format lint deny unit doc image bench bench-decisions manifests golden

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## A cluster, a shop, Prometheus and bizops on this machine: a day of traffic in three minutes (KEEP=1 leaves it up, DEMO_FAST=1 hurries)
	$(CARGO) run --quiet --package testbed -- demo

demo-down: ## Ends a demo that was left up
	$(CARGO) run --quiet --package testbed -- down

test: format lint deny doc unit ## Everything: format, lints, docs, unit, property, architecture, chart and integration tests

format: ## Is every file formatted as rustfmt.toml says?
	$(CARGO) fmt --all --check

lint: ## Clippy on both builds: the whole, and the pure rooms alone
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked --package bizops --lib --no-default-features -- -D warnings

deny: ## Licences, bans and sources of the dependencies
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
	  $(CARGO) deny --offline check bans licenses sources; \
	else \
	  echo "DID NOT RUN: licences and bans of the dependencies were not checked, cargo-deny is missing; install it with: cargo install --locked cargo-deny" >&2; \
	fi

doc: ## The API documentation, without a warning
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps

unit: ## Every test, those on a real control plane included
	$(CARGO) test --locked --workspace

image: ## The images of the operator and the shop, as archives, without a container engine
	.ci/image.sh all

bench: ## The benchmarks; figures are printed
	$(CARGO) bench --locked --workspace

bench-decisions: ## Six recorded demands against the HPA and others; writes docs/reference/decisions.md
	$(CARGO) bench --locked --package bizops --bench decisions -- --write docs/reference/decisions.md

manifests: ## Writes what is generated from the code: CRDs, permissions, reference pages
	$(CARGO) run --locked --quiet --package bizops -- manifests --write

golden: ## Writes anew what the chart renders for tests/chart/values, and what the decisions come to
	BIZOPS_UPDATE_GOLDEN=1 $(CARGO) test --locked --package bizops --test chart --test backtest golden
