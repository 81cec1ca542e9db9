# `make search` finds, trains and exports a network; `make test` runs the tests. Each makes its environment if need be.
PYTHON ?= python3
# TensorFlow 2.15, which the addons stack needs, has no wheels for Python 3.12 and later.
ADDONS_PYTHON ?= $(shell for p in python3.11 python3.10 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
VENV_ADDONS ?= .venv-addons
WORKDIR ?= runs/quickstart
# Files in their own order: by default those of few tests come last, and some of these are long.
PYTEST_FLAGS ?= -m "not slow" --numprocesses=2 --dist=loadfile --no-loadscope-reorder
# Most modules of TensorFlow are never imported, so none is compiled before it is. What was compiled must then be kept:
# without it, each process that imports TensorFlow takes more than twice as long to start.
PIP_INSTALL = -m pip install --quiet --no-compile
unexport PYTHONDONTWRITEBYTECODE

.PHONY: search test test-addons lint types docs clean

search: $(VENV)/installed
	$(VENV)/bin/python tools/search.py --flagfile=flags/quickstart.flags --workdir=$(WORKDIR)

test: $(VENV)/installed
	$(VENV)/bin/python -m pytest $(PYTEST_FLAGS) tests

test-addons: $(VENV_ADDONS)/installed
	$(VENV_ADDONS)/bin/python -m pytest $(PYTEST_FLAGS) tests

lint: $(VENV)/installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/installed
	rm -rf build/types && mkdir -p build/types && cp -r nao_tf build/types && cp -r tools build/types/nao_tf/tools
	cd build/types && $(abspath $(VENV))/bin/mypy --config-file ../../pyproject.toml --cache-dir ../../.mypy_cache

# The site is in build/site. Any warning is an error: a broken link, or a parameter in a docstring that does not exist.
docs: $(VENV)/installed
	$(VENV)/bin/python docs/stage.py build
	PATH="$(abspath $(VENV))/bin:$$PATH" NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict

clean:
	rm -rf $(VENV) $(VENV_ADDONS) build dist *.egg-info

$(VENV)/installed: requirements.txt setup.py
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --upgrade pip
	$(VENV)/bin/python $(PIP_INSTALL) -r requirements.txt -e .
	touch $@

$(VENV_ADDONS)/installed: requirements-addons.txt setup.py
	@test -n "$(ADDONS_PYTHON)" || { echo "the addons stack needs Python 3.10 or 3.11: set ADDONS_PYTHON" >&2; exit 1; }
	$(ADDONS_PYTHON) -m venv $(VENV_ADDONS)
	$(VENV_ADDONS)/bin/python -m pip install --quiet --upgrade pip
	$(VENV_ADDONS)/bin/python $(PIP_INSTALL) -r requirements-addons.txt -e .
	touch $@
