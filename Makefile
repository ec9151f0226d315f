# Two commands do everything on a fresh machine: `make run` and `make test`.
PYTHON ?= $(shell for p in python3.12 python3.13 python3.11 python3; do \
	$$p -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
ARGS ?=

.PHONY: run test check lock bench clean

run: .venv/ready $(BIN)/emofuse
	@$(BIN)/emofuse $(ARGS)

test: .venv/ready $(BIN)/emofuse
	$(BIN)/python -m pytest $(ARGS)

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright

bench: .venv/ready
	$(BIN)/python -m benchmarks $(ARGS)

.venv/ready: requirements.lock
	@test -n "$(PYTHON)" || { echo "emofuse needs Python 3.11, 3.12 or 3.13 with venv (Debian: apt-get install python3 python3-venv)"; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 2; }
	@echo "building .venv from requirements.lock: once, some minutes, 3 GB (most of it TensorFlow)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@touch $@

# The command as it is after an installation, for this checkout.
$(BIN)/emofuse: | .venv/ready
	@printf '%s\n' '#!/bin/sh' 'here=$${0%/*}' 'exec "$$here/python" "$$here/../../run_pipeline.py" "$$@"' > $@
	@chmod +x $@

# The locks are universal (every supported Python and platform), hashed, and name no address.
# ai-edge-litert asks for backports-strenum on every Python; 1.3 refuses those that do not need it.
LOCK := echo 'backports-strenum<1.3' | uv pip compile pyproject.toml --constraint - --upgrade --quiet \
	--universal --python-version 3.11 --generate-hashes --no-header --no-annotate
lock:
	$(LOCK) --extra full --extra cluster --extra onnx --extra outlets --group dev -o requirements.lock
	$(LOCK) -o requirements-edge.lock

clean:
	rm -rf .venv build dist
