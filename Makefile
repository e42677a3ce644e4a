# Needs GNU make, a POSIX shell and Python 3.11 or later. Without make: `python -m conformance --help`.

PYTHON ?= python3
DEVICE ?= devices/reference.toml
PROFILE ?= core

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up

.DEFAULT_GOAL := help
.PHONY: help setup certify test lint prove defects clean

help: ## Show the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -e 's/:.*## /\t/' | expand -t 12
	@printf '\nVariables: PYTHON=%s DEVICE=%s PROFILE=%s\n' '$(PYTHON)' '$(DEVICE)' '$(PROFILE)'

setup: $(STAMP) ## Make .venv and install the bench into it

$(STAMP): pyproject.toml constraints.txt scripts/setup.sh scripts/packages.sh
	@PYTHON='$(PYTHON)' VENV='$(VENV)' sh scripts/setup.sh
	@touch $@

certify: $(STAMP) ## Run the device file DEVICE against the profile PROFILE and write the report
	@$(BIN)/rvw run --device '$(DEVICE)' --profile '$(PROFILE)' --out "rvw-out/certify-$$(date -u +%Y%m%dT%H%M%SZ)"

# The tests run even where lint has found something: both results are wanted, and pytest's closing line comes last.
test: $(STAMP) ## Lint, then the tests of the bench itself
	@status=0; \
	$(MAKE) --no-print-directory lint || status=$$?; \
	$(BIN)/python -m pytest || { code=$$?; echo "make test: pytest ended with exit code $$code" >&2; exit $$code; }; \
	test $$status -eq 0 || echo 'make test: the tests pass, lint does not (see above)' >&2; \
	exit $$status

lint: $(STAMP) ## Style, types, import rules, the specification pack
	@status=0; \
	for check in 'ruff check' 'mypy' 'lint-imports' 'rvw spec check'; do \
		echo "== $$check"; $(BIN)/$$check || status=1; \
	done; \
	exit $$status

prove: $(STAMP) ## Take the measurements and write docs/proof.md, in about 100 minutes; PROVE="--socket-runs 2" needs 35
	@$(BIN)/python scripts/prove.py $(PROVE)

defects: $(STAMP) ## Run every defect device and write the kill matrix to rvw-out/defects
	@$(BIN)/rvw defects

clean: ## Remove .venv and caches; runs below rvw-out are evidence and stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf *.egg-info
