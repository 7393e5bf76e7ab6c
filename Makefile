# Every target stands alone: on a fresh machine, each sets up and builds what it needs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup build demo test fuzz check wheel bench clean

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

setup: ## Install what is needed into .deps; quick when all is there
	@scripts/setup

build: setup ## Build the programs
	@scripts/build

demo: build ## A small real experiment: simulate, train without the answer, find it, report
	@./kymo reproduce pde-vae/ks --quick -o runs/demo
	@[[ ! -f runs/demo/report.html ]] || echo "Open in a browser: $(CURDIR)/runs/demo/report.html"

test: ## Every test and every example
	@scripts/setup --tests
	@. scripts/flags.sh && swift test $$KYMO_TEST_FLAGS
	@scripts/examples
	@scripts/python-tests
	@.deps/venv/bin/python scripts/fuzz.py --seconds 60

fuzz: build ## Attack the programs with damaged files, settings, signals: SEED=2 DURATION=3600
	@.deps/venv/bin/python scripts/fuzz.py --seed $(or $(SEED),1) --seconds $(or $(DURATION),600)

check: ## Format, lint, borders between modules, warnings as errors
	@scripts/setup --tests
	@scripts/check

wheel: build ## The Python package with the programs inside: dist/kymo-*.whl
	@scripts/setup --tests
	@scripts/wheel

bench: build ## Time against named peers, answers checked
	@scripts/setup --tests
	@.build/release/kymo-bench

clean: ## Remove what was built (.deps, runs and data stay)
	@rm -rf .build
