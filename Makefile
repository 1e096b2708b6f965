# halfwatt: `make demo` and `make test` are all that a newcomer needs. Everything lands in .venv and .cache.
PYTHON ?= python3
VENV := .venv
CACHE := $(CURDIR)/.cache
export HALFWATT_MODELS_DIR ?= $(CACHE)/models
DATA_DIR ?= $(or $(HALFWATT_DATA),$(wildcard $(CURDIR)/../shared/data))
RUN := $(VENV)/bin
PYTEST_ARGS ?=

.PHONY: help demo test test-fast test-all check setup model model-large bench bench-editors test-wheel test-vscode test-editors bench-generate bench-bodies wheel docs clean

help:
	@echo "make demo          set up, then generate a function with the local model through the language server"
	@echo "make test-fast     set up, then run the tests that need no model, no editor and no network"
	@echo "make test          fetch the small model, then run all tests"
	@echo "make test-all      what \`make test\` runs, real editors, and short benchmarks"
	@echo "make check         formatting, lint, strict types, and the rules in tests/rules"
	@echo "make test-wheel    build the wheel and run the tests against it"
	@echo "make test-editors  drive real VS Code, Neovim and Emacs (make test-vscode: VS Code alone)"
	@echo "make bench         measure speed, energy accuracy and completion quality"
	@echo "make bench-generate  give the bodies of thousands of real functions back to their stubs; needs no model"
	@echo "make bench-bodies  put the same bodies to the rules for where a body ends and whether it is usable; needs no model"
	@echo "make bench-editors measure what the editors' clients cost"
	@echo "make docs          write the generated pages: settings and API"
	@echo "make clean         remove what these commands made"

setup:
	@$(PYTHON) packaging/setup_env.py $(VENV) test

model: setup
	@$(RUN)/halfwatt models pull qwen2.5-coder-0.5b

model-large: setup
	@$(RUN)/halfwatt models pull qwen2.5-coder-1.5b

demo: model
	@$(RUN)/python packaging/demo/demo.py --home $(CACHE)/demo

# four at a time, also on two cores: tests often wait for a process, and each computes with one thread. A file stays in
# one process, with its fixtures.
test-fast: setup
	OMP_NUM_THREADS=1 HALFWATT_DATA=$(DATA_DIR) $(RUN)/pytest -n 4 --dist loadfile $(PYTEST_ARGS) \
	  -m "not model and not editor and not browser and not slow" tests

test: model
	HALFWATT_DATA=$(DATA_DIR) $(RUN)/pytest $(PYTEST_ARGS)

# everything, also what takes too long for CI; later long checks go here
test-all: check test test-vscode
	@$(MAKE) bench BENCHES=generate BENCH_ARGS="--tasks 2"
	@$(MAKE) bench BENCHES=completion BENCH_ARGS=--quick
	@$(MAKE) bench BENCHES=functions BENCH_ARGS="--tasks 2"
	$(RUN)/python -m halfwatt.router_model.commands.collect verify --cache $(CACHE)/doctests --only more-itertools semver

check: setup
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy
	$(RUN)/pytest -q tests/rules

docs: setup
	$(RUN)/python packaging/docs/write_pages.py

# one at a time: two heavy processes on two cores slow each other; BENCHES="generate" runs one alone, and
# BENCHES="functions" the long one on functions of real packages
SUPPORT := $(CURDIR)/tests/support:$(CURDIR)/tests/support/energy:$(CURDIR)/tests/support/servers:$(CURDIR)/tests/support/planted
BENCHES ?= generate worker energy completion
bench: model
	@missed=0; for name in $(BENCHES); do \
	  echo "== bench_$$name"; (cd tests && PYTHONPATH=$(SUPPORT) HALFWATT_DATA=$(DATA_DIR) ../$(RUN)/python -m bench.bench_$$name $(BENCH_ARGS)) || missed=1; \
	done; exit $$missed

# fetches sources by npm, apt-get and pip into .cache/roundtrip, without root; BENCH_ARGS="--show ID" shows one case
bench-generate: setup
	@cd tests && PYTHONPATH=$(SUPPORT) ../$(RUN)/python -m bench.bench_roundtrip $(BENCH_ARGS)

# the sources that bench-generate has fetched, and those that are installed
bench-bodies: setup
	@cd tests && PYTHONPATH=$(SUPPORT) ../$(RUN)/python -m bench.bench_bodies $(BENCH_ARGS)

VSCODE = CODE_SERVER=$(CACHE)/code-server VSIX=$(CACHE)/halfwatt.vsix SERVER_BIN=$(CURDIR)/$(RUN) \
  MODELS_DIR=$(HALFWATT_MODELS_DIR) SHOTS=$(CACHE)/shots tests/vscode/run.sh

test-vscode: model
	@$(VSCODE)

# Neovim and Emacs; `make test` runs these, too
test-editors: test-vscode
	$(RUN)/pytest -m editor $(PYTEST_ARGS)

bench-editors: model
	@$(VSCODE) --bench
	@$(RUN)/nvim --headless -u NONE -i NONE -l tests/nvim/bench.lua

wheel: setup
	$(RUN)/python -m build --wheel --outdir dist .

test-wheel: wheel model
	@$(PYTHON) packaging/setup_env.py $(CACHE)/wheel-venv test --wheel $$(ls -t dist/halfwatt-*.whl | head -1)
	HALFWATT_DATA=$(DATA_DIR) $(CACHE)/wheel-venv/bin/pytest $(PYTEST_ARGS)

clean:
	rm -rf $(VENV) $(CACHE) build dist *.egg-info
