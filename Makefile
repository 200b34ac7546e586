# `make run` runs the whole pipeline, `make test` passes the tests; both install what they need.
.PHONY: run test check ui compare serve weights lock
.DEFAULT_GOAL := run

# 3.14 last: there JAX is in TensorFlow's place
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys; v = sys.version_info[:2]; \
	sys.exit(not ((3, 11) <= v < (3, 14) or "3.14" in sys.argv[1] and v == (3, 14)))' \
	$$p 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
export VIRTUAL_ENV := $(CURDIR)/.venv
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DO_NOT_TRACK := 1
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true
export PREFECT_SERVER_ANALYTICS_ENABLED := false
# Else every process compiles for itself, where PYTHONDONTWRITEBYTECODE is set
export UV_COMPILE_BYTECODE := 1

run: $(BIN)/.runtime  ## collect, prepare, split, degrade, train, restore, evaluate
	@patina run

test: $(BIN)/.dev  ## format check, lint, types, tests
	ruff format --check .
	ruff check .
	mypy & types=$$!; pytest -n 2 --no-loadscope-reorder; tests=$$?; wait $$types && exit $$tests

check: $(BIN)/.dev  ## format check, lint, types, and the tests without a server or a training
	ruff format --check .
	ruff check .
	mypy & types=$$!; pytest -n 2 --no-loadscope-reorder -m "not server and not training"; \
	tests=$$?; wait $$types && exit $$tests

ui: $(BIN)/.runtime  ## the MLflow UI, where runs and models are compared
	@python -m patina.flows.comparing

compare: $(BIN)/.runtime  ## the MLflow UI on the runs of `dvc exp run`, side by side
	@patina compare

serve: $(BIN)/.runtime  ## answer `prefect deployment run restore/batch`
	patina serve

weights: $(BIN)/.runtime  ## train and ship all networks: make weights WORKS="FOLDER..." [OUT=FOLDER] [MINUTES=N]
	@test -n "$(WORKS)" || { echo 'weights: name folders of sound works: make weights WORKS=paintings'; exit 1; }
	python -m patina.tasks.training weights --works $(WORKS) --out $(or $(OUT),.cache/weights) \
		$(if $(MINUTES),--minutes $(MINUTES))

lock: $(BIN)/.uv  ## write the requirements files anew from pyproject.toml
	uv pip compile --universal -p 3.11 --generate-hashes -q pyproject.toml --extra pipeline \
		-o requirements.txt
	uv pip compile --universal -p 3.11 --generate-hashes -q pyproject.toml --extra pipeline --extra dev \
		-c requirements.txt -o requirements-dev.txt

$(BIN)/.uv:
	@test -n "$(PYTHON)" || { echo "Patina needs Python 3.11, 3.12, 3.13 or 3.14: none found"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@touch $@

$(BIN)/.runtime: $(BIN)/.uv requirements.txt pyproject.toml
	uv pip install --quiet --require-hashes -r requirements.txt
	uv pip install --quiet --no-deps -e .
	@touch $@

$(BIN)/.dev: $(BIN)/.runtime requirements-dev.txt
	uv pip install --quiet --require-hashes -r requirements-dev.txt
	@touch $@
