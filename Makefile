# Two commands set everything up on a fresh machine that has python3 (3.11 or later) with venv:
#   make bench   builds the example models, measures them on this machine, prints the report's path
#   make test    runs every test (those that need sshd, Chromium or root are skipped by name where these are absent)
#                but those on an emulated ARM board, which make test-all takes too: ten minutes more at most
# make test-fast runs those that need neither TensorFlow nor a board nor a browser. make test-pythons runs those and
# the agent's on the other Pythons of this machine, make coverage measures which branches tests take. make check runs the linters; .ci/run runs all of it.
# make emulated boots an ARM board under QEMU, which harness emulate --stop ends.
# make pins writes the files of hashes anew, make audit asks for known vulnerabilities, make sbom writes build/sbom.json.
# make pictures makes the pictures of the docs anew; make screenshots those of every page at every width, in build/pictures.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
# A file's tests stay in one process; those that lease this machine have a lease of their own or take turns
# (tests/support/own_lease.py). Three, as many tests wait for a board or a process. TEST_PROCESSES=0 runs all in one.
TEST_PROCESSES ?= 3
PYTEST := -m pytest --numprocesses=$(TEST_PROCESSES) --dist=loadfile --no-loadscope-reorder
# Rooms whose own tests take every branch.
COVERED := records stats gates
EMPTY :=
SPACE := $(EMPTY) $(EMPTY)
COMMA := ,

.PHONY: bench emulated pictures screenshots test test-all test-fast test-pythons coverage coverage-all check pins audit sbom format clean

bench: $(INSTALLED)
	$(BIN)/python -m pytest benchmarks/ --device=local

emulated: $(INSTALLED)
	$(BIN)/harness emulate

test: $(INSTALLED)
	$(BIN)/python $(PYTEST) tests -m "not emulated"

test-all: $(INSTALLED)
	$(BIN)/python $(PYTEST) tests

test-fast: $(INSTALLED)
	$(BIN)/python $(PYTEST) tests -m fast

test-pythons: $(INSTALLED)
	$(BIN)/python tests/pythons/pythons.py --processes=$(TEST_PROCESSES)

coverage: $(INSTALLED)
	$(BIN)/coverage erase
	$(BIN)/coverage run $(PYTEST) $(addprefix tests/,$(COVERED))
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --show-missing --skip-covered --fail-under=100 --include='$(subst $(SPACE),$(COMMA),$(COVERED:%=harness/%/*))'

coverage-all: $(INSTALLED)
	$(BIN)/coverage erase
	PYTHONPATH=$(CURDIR)/tests/support/at_start $(BIN)/coverage run $(PYTEST) tests
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --show-missing --skip-covered --fail-under=95

pictures: $(INSTALLED)
	$(BIN)/python tests/pictures/pictures.py

screenshots: $(INSTALLED)
	$(BIN)/python tests/pictures/pictures.py --all --out build/pictures

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

pins: $(INSTALLED)
	$(BIN)/python tests/supply_chain/pins.py

audit: $(INSTALLED)
	$(BIN)/python tests/supply_chain/audit.py

# Of what users install, with all that they may ask for.
sbom: $(INSTALLED)
	mkdir -p build
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python build/for-sbom
	$(BIN)/uv pip install --quiet --python build/for-sbom --require-hashes --requirement requirements.txt
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --output-file build/sbom.json build/for-sbom/bin/python

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What is installed is what requirements-dev.txt has a hash of; the project comes without its dependencies.
$(INSTALLED): pyproject.toml requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

clean:
	rm -rf $(VENV) build dist
