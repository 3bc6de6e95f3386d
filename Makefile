# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# `make demo` shows the collection at work, `make test` runs every check; both need Python 3.11 or later and nothing else.
# Everything that is made lands in .venv/ and build/.

SHELL = /bin/sh
MAKEFLAGS += --no-builtin-rules --no-print-directory
.NOTPARALLEL:
.SUFFIXES:
.DEFAULT_GOAL := help

STAGES := lint sanity docs molecule artifact unit
LONGEST_STAGE := integration
REQUIREMENTS := $(wildcard requirements.txt requirements-emulator.txt requirements-test.txt)
DEVELOPMENT := build/dev/ansible_collections/secops/xdr

# Nothing of the user's own Ansible set-up takes part, and nothing is left in it.
export ANSIBLE_HOME := $(CURDIR)/build/home/.ansible
export ANSIBLE_REMOTE_TEMP := $(CURDIR)/build/home/.ansible/tmp
export ANSIBLE_ASYNC_DIR := $(CURDIR)/build/home/.ansible_async
export ANSIBLE_CONFIG := $(CURDIR)/tests/support/ansible.cfg
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/build/dev
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export MYPY_CACHE_DIR := $(CURDIR)/build/mypy
export RUFF_CACHE_DIR := $(CURDIR)/build/ruff
# Colours are for people at a terminal, not for logs.
ifeq ($(MAKE_TERMOUT),)
export NO_COLOR := 1
export ANSIBLE_NOCOLOR := 1
export PY_COLORS := 0
endif
# Ansible insists on a UTF-8 locale; a bare environment (CI, cron) has none.
ifeq ($(findstring UTF-8,$(subst utf,UTF,$(subst utf8,UTF-8,$(LC_ALL)$(LC_CTYPE)$(LANG)))),)
export LC_ALL := C.UTF-8
endif

.PHONY: help
help:
	@echo "make demo         watch a VPN log become observations and tagged events, against an emulator"
	@echo "make test         every check: $(STAGES) $(LONGEST_STAGE)"
	@echo "make CHECK        one of them"
	@echo "make bench        measure it beside what it replaces (a quarter of an hour); ARGUMENTS=--quick for a minute"
	@echo "make torture      the long attacks; SEED=NUMBER repeats a run"
	@echo "make unit-oldest  the unit tests on the oldest Python found"
	@echo "make matrix       sanity, unit and integration tests on each ansible-core and Python (hours); ARGUMENTS='--core 2.16 --stage unit'"
	@echo "make release-check  build the artifact, install it into an empty place and run the demo from it alone"
	@echo "make format       let ruff put the Python code in order"
	@echo "make clean        remove all that make has made"

# Side by side, since each of them waits now and then: the longest, and the others one after the other.
.PHONY: test
test: venv
	@MAKE="$(MAKE)" .venv/bin/python tests/support/checks/run_stages.py "$(LONGEST_STAGE)" "$(STAGES)"

# In an environment of its own, which has what a user needs and nothing that tests need.
.PHONY: demo
demo: export PATH := $(CURDIR)/build/demo/.venv/bin:$(PATH)
demo:
	@python=$$(sh tests/support/checks/find_python.sh) && \
	    "$$python" tests/support/checks/make_venv.py build/demo/.venv requirements.txt requirements-emulator.txt requirements-demo.txt
	@build/demo/.venv/bin/python tests/support/checks/artifact.py --install build/demo
	@build/demo/.venv/bin/python build/demo/collections/ansible_collections/secops/xdr/tests/demo/demo.py --folder build/demo

.PHONY: venv
venv:
	@python=$$(sh tests/support/checks/find_python.sh) && "$$python" tests/support/checks/make_venv.py .venv $(REQUIREMENTS)
	@.venv/bin/python tests/support/checks/awx_collection.py
	@mkdir -p "$(dir $(DEVELOPMENT))" && ln -sfn ../../../.. "$(DEVELOPMENT)"

# ARGUMENTS are handed on: make unit ARGUMENTS="-k timestamps -x"
.PHONY: unit
unit: venv
	@.venv/bin/pytest --numprocesses 2 tests/unit $(ARGUMENTS)

.PHONY: integration
integration: venv
	@.venv/bin/pytest --numprocesses 2 tests/integration $(ARGUMENTS)

# The long attacks. SEED repeats a run, as its first lines say.
.PHONY: torture
torture: venv
	@.venv/bin/pytest --numprocesses 2 --dist worksteal tests/torture $(if $(SEED),--seed $(SEED)) $(ARGUMENTS)

# Code for the managed host has to run on older Pythons than the tools do, with the oldest Ansible.
.PHONY: unit-oldest
unit-oldest: venv
	@.venv/bin/python tests/support/checks/matrix.py --core 2.16 --stage modules -- $(ARGUMENTS)

# Every version of ansible-core, each in environments of its own below build/matrix.
.PHONY: matrix
matrix: venv
	@.venv/bin/python tests/support/checks/matrix.py $(ARGUMENTS)

# In an environment of its own, which has Ansible with community.general to measure beside, and what draws the plot.
.PHONY: bench
bench: export PATH := $(CURDIR)/build/bench/.venv/bin:$(PATH)
bench:
	@python=$$(sh tests/support/checks/find_python.sh) && \
	    "$$python" tests/support/checks/make_venv.py build/bench/.venv requirements.txt requirements-emulator.txt benchmarks/requirements-bench.txt
	@mkdir -p "$(dir $(DEVELOPMENT))" && ln -sfn ../../../.. "$(DEVELOPMENT)"
	@build/bench/.venv/bin/python benchmarks/run.py $(ARGUMENTS)

.PHONY: lint
lint: venv
	@.venv/bin/ruff check --quiet
	@.venv/bin/ruff format --check --quiet
	@.venv/bin/mypy
	@.venv/bin/mypy tests/support/checks tests/demo
	@.venv/bin/yamllint --strict .
	@.venv/bin/ansible-lint
	@.venv/bin/python tests/support/checks/copy_tree.py package reuse --root . lint --lines
	@.venv/bin/antsibull-changelog lint
	@.venv/bin/python tests/support/checks/weaknesses.py
	@.venv/bin/shellcheck .ci/run tests/support/checks/*.sh

# Sphinx checks the pages themselves, so rstcheck need not: it stumbles over the name of its temporary folder where that ends with "_".
.PHONY: docs
docs: venv
	@HOME="$(CURDIR)/build/home" .venv/bin/antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck --validate-collection-refs=all \
	    --check-extra-docs-refs .
	@HOME="$(CURDIR)/build/home" .venv/bin/python tests/support/checks/docs_site.py

.PHONY: molecule
molecule: venv
	@.venv/bin/python tests/support/checks/molecule.py

.PHONY: artifact
artifact: venv
	@.venv/bin/python tests/support/checks/artifact.py

# What a release is made of, in an empty place and in an environment of its own.
.PHONY: release-check
release-check: artifact
	@.venv/bin/python tests/support/checks/release.py

# Turns the fragments into CHANGELOG.rst, for the version in galaxy.yml.
.PHONY: changelog
changelog: venv
	@HOME="$(CURDIR)/build/home" .venv/bin/antsibull-changelog release $(ARGUMENTS)

.PHONY: sanity
sanity: venv
	@.venv/bin/python tests/support/checks/sanity.py $(ARGUMENTS)

.PHONY: format
format: venv
	@.venv/bin/ruff check --fix
	@.venv/bin/ruff format

.PHONY: clean
clean:
	@rm -rf .venv build
