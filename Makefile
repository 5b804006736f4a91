# `make` alone prints what there is. Everything is installed into .venv/ and node_modules/ here.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed node_modules/.installed web/node_modules/.installed
NODE := $(BIN)/python -m stacks.node
WEB := $(NODE) -C web npm --silent
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## print this
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

.PHONY: install
install: $(INSTALLED) ## install everything that is locked (the other targets do it by themselves)

.venv/.locked: requirements/dev.lock
	@$(PYTHON) -c 'import sys; ok = (3, 11) <= sys.version_info < (3, 14); ok or sys.exit("edgetrain: $(PYTHON) is Python %d.%d: expected 3.11, 3.12 or 3.13 (make PYTHON=python3.12 ...)" % sys.version_info[:2])'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "edgetrain: $(PYTHON) cannot make virtual environments: apt-get install python3-venv"; exit 1; }
	@echo "edgetrain: installing into .venv (TensorFlow among it: a few minutes the first time)"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --progress-bar on --require-hashes -r requirements/dev.lock
	@touch $@

.venv/.installed: pyproject.toml .venv/.locked
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

node_modules/.installed: package.json package-lock.json .venv/.locked
	@echo "edgetrain: installing the CDK's command line into node_modules"
	$(NODE) npm ci --no-audit --no-fund
	@touch $@

web/node_modules/.installed: web/package.json web/package-lock.json .venv/.locked
	@echo "edgetrain: installing what builds the web app into web/node_modules"
	$(NODE) -C web npm ci --no-audit --no-fund
	@touch $@

.PHONY: web
web: $(INSTALLED) ## build the web app into web/dist, and say what a first visit loads
	$(WEB) run build
	$(WEB) run size

.PHONY: demo
demo: $(INSTALLED) ## see a federation: deploy, 20 clients, 10 rounds, a plot in build/demo
	$(BIN)/edgetrain demo --out build/demo

.PHONY: demo-see
demo-see: $(INSTALLED) ## see a picture's way: deploy, sign in, detect, screenshots in build/demo-see
	$(BIN)/edgetrain demo-see --out build/demo-see

.PHONY: test
test: $(INSTALLED) ## all tests, with coverage
	$(WEB) test
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report= tests/unit
	$(BIN)/python -m pytest --cov --cov-append --cov-report=term tests/infrastructure tests/integration tests/e2e

.PHONY: test-unit
test-unit: $(INSTALLED) ## tests without sockets
	$(BIN)/python -m pytest tests/unit

.PHONY: test-infrastructure
test-infrastructure: $(INSTALLED) ## tests of the synthesised templates
	$(BIN)/python -m pytest tests/infrastructure

.PHONY: test-integration
test-integration: $(INSTALLED) ## the deployed state machine and handlers in the embedded cloud
	$(BIN)/python -m pytest tests/integration

.PHONY: test-web
test-web: $(INSTALLED) ## the web app's lint, types and tests (those in a browser are test-e2e)
	$(WEB) run check
	$(WEB) test

.PHONY: test-e2e
test-e2e: $(INSTALLED) ## the web app in a real browser (Chromium), against the embedded cloud
	$(BIN)/python -m pytest tests/e2e

.PHONY: snapshots
snapshots: $(INSTALLED) ## write the templates' snapshots again (then review the difference)
	$(BIN)/python -m pytest tests/infrastructure/test_snapshots.py --rewrite-snapshots

.PHONY: postman
postman: $(INSTALLED) ## make docs/postman_collection.json from docs/openapi.json again
	$(BIN)/python -m docs.postman

.PHONY: lint
lint: $(INSTALLED) ## ruff and mypy; biome and tsc for the web app
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(WEB) run check

.PHONY: format
format: $(INSTALLED) ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: lock
lock: $(INSTALLED) ## make the lock files again (needs `uv` on the PATH)
	$(BIN)/python -m requirements.lock

.PHONY: clean
clean: ## remove what was built (not .venv and node_modules)
	rm -rf build cdk.out .edgetrain .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis
