# Copyright (c) 2026, secops.xdr contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# `make demo` shows the collection at work, `make test` runs every check; both need Python 3.11 or later and nothing else. The checks are
# sessions of nox (noxfile.py, antsibull-nox.toml); the targets here are short names for them. Everything that is made lands in .venv/ and
# build/.

SHELL = /bin/sh
MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DEFAULT_GOAL := help

# Two run at a time. The first and the last use both cores; most of the others use one, and would leave one idle at the end.
STAGES := integration sanity lint docs molecule artifact unit
NOX = .venv/bin/nox --no-error-on-missing-interpreters --session
# The first of these that is 3.11 or later and can make virtual environments; of an environment, the Python that it was made with.
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python3.14,$(shell $(name) -c \
    'import sys, ensurepip, ssl, venv; print(sys._base_executable if sys.version_info >= (3, 11) else "")' 2>/dev/null)))

# For the demo and the benchmarks; noxfile.py does the same for the checks.
export ANSIBLE_HOME := $(CURDIR)/build/home/.ansible
export ANSIBLE_CONFIG := $(CURDIR)/tests/support/ansible.cfg
ifeq ($(findstring UTF-8,$(subst utf,UTF,$(subst utf8,UTF-8,$(LC_ALL)$(LC_CTYPE)$(LANG)))),)
export LC_ALL := C.UTF-8
endif

.PHONY: help
help:
	@echo "make demo         watch a VPN log become observations and tagged events, against an emulator"
	@echo "make shell        a shell with the emulator and the sample events, to try everything by hand"
	@echo "make test         every check: $(STAGES)"
	@echo "make CHECK        one of them; ARGUMENTS='-k timestamps -x' are passed on"
	@echo "make bench        measure it beside what it replaces (20 minutes); ARGUMENTS=--quick for a minute or two"
	@echo "make torture      the long attacks; SEED=NUMBER repeats a run"
	@echo "make smoke        some tests on each ansible-core, sanity on the oldest and the newest (half an hour)"
	@echo "make matrix       sanity, unit and integration tests on each ansible-core and Python (hours)"
	@echo "make release-check what is still to do before a release"
	@echo "make format       let ruff put the Python code in order"
	@echo "make clean        remove all that make has made"
	@echo "make venv         what all of them need; afterwards '.venv/bin/nox --list' shows every session"

# Every stage runs, even if others failed; its output is shown in one piece when it ends.
.PHONY: test
test: venv
	@$(MAKE) --jobs=2 --keep-going --output-sync=target $(STAGES)

.PHONY: $(STAGES) units targets torture smoke matrix format changelog release-check
# With ansible-test: sanity, and units and targets, which are slower than our own unit and integration.
unit integration sanity units targets: venv
	@$(NOX) $@ -- $(ARGUMENTS)

# In CI, the formatters complain; elsewhere they would change files in the middle of a test.
lint: venv
	@CI=true $(NOX) lint typing security changelog license-check extra-checks ansible-lint eda-lint workflows

docs: venv
	@$(NOX) docs-check docs-site

molecule: venv
	@$(NOX) molecule

artifact: venv
	@$(NOX) build-import-check

torture: venv
	@$(NOX) torture -- $(if $(SEED),--seed $(SEED)) $(ARGUMENTS)

smoke matrix: venv
	@.venv/bin/nox --tags $@

format: venv
	@.venv/bin/ruff check --fix
	@$(NOX) formatters

release-check: venv
	@$(NOX) release-check

# Turns the fragments into CHANGELOG.rst, for the version in galaxy.yml.
changelog: venv
	@$(NOX) changelog -- release $(ARGUMENTS)

# In a separate environment with only what a user needs: the artifact is built, installed and shown.
.PHONY: demo shell
demo shell: export PATH := $(CURDIR)/build/demo/.venv/bin:$(PATH)
demo shell: export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/build/demo/collections
demo shell: build/demo/.venv/made
	@rm -rf build/demo/artifact build/demo/collections
	@ansible-galaxy collection build --output-path build/demo/artifact
	@ansible-galaxy collection install --offline --collections-path build/demo/collections build/demo/artifact/*.tar.gz
	@python build/demo/collections/ansible_collections/secops/xdr/tests/demo/demo.py --folder build/demo $(if $(filter shell,$@),--shell)

# In a separate environment with Ansible, community.general for comparison, and the library for the plot.
.PHONY: bench
bench: export PATH := $(CURDIR)/build/bench/.venv/bin:$(PATH)
bench: export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/build/dev
bench: build/bench/.venv/made develop
	@python benchmarks/run.py $(ARGUMENTS)

.PHONY: venv develop
venv: .venv/made develop

# Ansible and Python find the checkout as a collection there.
develop:
	@mkdir -p build/dev/ansible_collections/secops && ln -sfn ../../../.. build/dev/ansible_collections/secops/xdr

ENVIRONMENTS := .venv/made build/demo/.venv/made build/bench/.venv/made
.venv/made: requirements.txt requirements-emulator.txt requirements-test.txt
build/demo/.venv/made: requirements.txt requirements-emulator.txt requirements-demo.txt
build/bench/.venv/made: requirements.txt requirements-emulator.txt benchmarks/requirements-bench.txt
$(ENVIRONMENTS):
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or later with venv and ensurepip was found; set PYTHON to the path of one." >&2; exit 1; }
	@echo "Making $(@D) with $(PYTHON) (once; a minute or two)"
	@rm -rf $(@D) && "$(PYTHON)" -m venv $(@D)
	@$(@D)/bin/python -m pip --quiet --quiet --disable-pip-version-check install $(foreach file,$^,--requirement $(file))
	@touch $@

.PHONY: clean
clean:
	@rm -rf .venv build
