# make book    the book, in _build/html/index.html
# make test    everything: lint, types, unit, notebooks, kubectl, browser
# make lab     the chapters in JupyterLab
# make help    the rest

# The first Python that really starts, is new enough and can make environments; `make PYTHON=…` names another. One that
# was built with optimisations goes first, as those of systems and of python.org are: one that was built
# without, as version managers do by default, takes a quarter more for the same work.
FITS := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
FAST := import sys, sysconfig; built = str(sysconfig.get_config_var("CONFIG_ARGS")); \
	sys.exit(sys.prefix != "/usr" and "--enable-optimizations" not in built)
PYTHONS := python3 python3.13 python3.12 python3.11 python3.14 /usr/bin/python3
PYTHON ?= $(shell for fast in '$(FAST)' ''; do for p in $(PYTHONS); do \
	$$p -c '$(FITS)' 2>/dev/null && $$p -c "$$fast" && command -v $$p && exit; done; done)
BIN := .venv/bin
JOBS ?= 2
# Each module in one process, in the order that conftest.py gives them.
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder
CODE := $(shell find k8snb manifests -type f ! -name '*.pyc' 2>/dev/null)

# Everything runs in the environment, and nothing asks another host while it does.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYDEVD_DISABLE_FILE_VALIDATION := 1
# Kernels and servers are processes of their own: what Python compiled once, the next of them finds.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help book lite lite-test read handouts lab serve test test-long pages checked lint unit outputs messages clean
.DEFAULT_GOAL := book

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.venv/.installed: requirements.txt pyproject.toml
	@test -x $(BIN)/python || test -n "$(PYTHON)" || { echo "No Python 3.11 or newer with venv found: make PYTHON=…"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

# The execution cache looks at cells only, and Sphinx at pages only: when the package changes, both are stale.
_build/.fresh: $(CODE) requirements.txt _config.yml
	rm -rf _build/.jupyter_cache _build/.doctrees _build/html
	mkdir -p _build && touch $@

book: .venv/.installed _build/.fresh ## the book: _build/html/index.html
	K8SNB_STATIC=1 $(BIN)/jupyter-book build --warningiserror --keep-going .

lite: .venv/.installed ## the edition that runs in a browser, beside the book: _build/html/lite (needs npm)
	$(BIN)/python tools/lite

lite-test: book lite ## every page of it, run in a Chromium and compared
	K8SNB_LITE=all $(BIN)/python -m pytest tests/lite

read: .venv/.installed ## the book, given out by a server at http://127.0.0.1:8000
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html 8000

# Whether there is something to print, and to print with, is asked before the book is built, which takes minutes.
handouts: .venv/.installed ## two PDFs a chapter, for participants and instructors: _build/handouts (needs Chromium)
	@CHROMIUM="$(CHROMIUM)" $(BIN)/python tools/handouts --ready $(CHAPTERS)
	@$(MAKE) --no-print-directory book
	CHROMIUM="$(CHROMIUM)" $(BIN)/python tools/handouts $(CHAPTERS)

lab: .venv/.installed ## the chapters in JupyterLab
	$(BIN)/jupyter lab chapters

serve: .venv/.installed ## a cluster for kubectl, until you stop it
	@mkdir -p _build
	$(BIN)/python -m k8snb serve --kubeconfig _build/kubeconfig

lint: .venv/.installed ## style and types
	$(BIN)/ruff check .
	$(BIN)/mypy

unit: .venv/.installed ## every test that needs no built book
	$(PYTEST) --ignore tests/book

test: checked ## everything
	$(PYTEST) tests

test-long: checked ## everything, with the long setting of the property tests
	K8SNB_PROPERTIES=long $(PYTEST) tests

# nbval runs every page and compares; what came of it is what the book then shows (tests/book/running.py).
pages: .venv/.installed _build/.fresh ## every notebook, compared with its stored outputs
	$(PYTEST) chapters

# Checking types takes one processor, and so does running one page after the other.
checked: .venv/.installed pages
	$(MAKE) --no-print-directory --jobs $(JOBS) book lint

outputs: .venv/.installed ## run the chapters and keep their text outputs
	K8SNB_STATIC=1 $(BIN)/python tools/outputs.py chapters

messages: .venv/.installed ## collect the sentences that readers see into the gettext template
	$(BIN)/python tools/messages.py

clean: ## forget what was built; the environment stays
	rm -rf _build
