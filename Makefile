# Every command of a developer; each works on a fresh machine with Python 3.11+ and make.
PYTHON ?= python3
BIN := .venv/bin
REQUIREMENTS := requirements/base.txt requirements/embedded.txt

.PHONY: run test check fmt lock schema clients fuzz bench drill env clean help

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

.venv/runtime: $(REQUIREMENTS)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes $(REQUIREMENTS:%=-r %)
	@touch $@

.venv/develop: .venv/runtime requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

run: .venv/runtime  ## serve at http://127.0.0.1:8000 with its own PostgreSQL and S3 (PORT, VAR_DIR)
	@exec $(BIN)/python -m marketplace.supervisor

test: .venv/develop  ## all tests, on a real PostgreSQL and a real S3 server
	$(BIN)/python -m pytest

fmt: .venv/develop  ## format the code
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/black --quiet .

lock: .venv/develop  ## compile requirements/*.in to pins with hashes
	$(BIN)/python -m pip install --quiet uv
	for name in base embedded dev; do \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras \
	    --custom-compile-command "make lock" requirements/$$name.in -o requirements/$$name.txt || exit 1; done

bench: .venv/runtime  ## measure against the limit of this machine; prints a table of ratios
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.imports
	$(BIN)/python -m benchmarks.renditions
	$(BIN)/python -m benchmarks.sync

drill: .venv/develop  ## security figures at full size: races, replay, guessing, pruning, killed imports, syncs and writes; prints a table
	$(BIN)/python -m benchmarks.security

check: .venv/develop  ## format, lint, types, import directions, migrations, deployment, schema, containers, workflow
	@$(BIN)/python .ci/check.py

schema: .venv/runtime  ## write docs/openapi.yaml, the API's description of itself
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

clients: .venv/develop  ## typed clients for TypeScript (needs npm) and Python, made from docs/openapi.yaml, compile
	$(BIN)/python .ci/clients.py

fuzz: .venv/develop  ## 50,000 generated requests over all routes, every answer judged by docs/openapi.yaml (CASES)
	$(BIN)/python -m benchmarks.fuzz $(if $(CASES),--cases $(CASES))

env:  ## write .env for docker compose, with random secrets
	@$(PYTHON) docker/write_env.py

clean:  ## remove what was installed and cached; var/ (your data) and .env stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache htmlcov .coverage .coverage.*
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
