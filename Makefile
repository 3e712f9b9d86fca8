# `make help` lists the targets. `make compare` and `make test` need nothing but this file's machine:
# Debian or Ubuntu as root, or anywhere with Python 3.11 and a Docker engine that answers.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
python := $(VENV)/bin/python
# The example project of `make compare`: FIXTURE=node-heavy measures another one.
FIXTURE := flask-gunicorn
project := .cache/fixtures/$(FIXTURE)
fixture_files := $(shell find fixtures/$(FIXTURE) -type f -o -type l) fixtures/make.py
# Where the current reference engine is made (scripts/modern-engine); 2 GB, kept for the next time.
MODERN := $(abspath .cache/modern-engine)
# … and one with the containerd store, whose BuildKit gives images out as one in a container does.
BUILDERS := $(abspath .cache/containerd-engine)
# Where a Podman is set up (scripts/podman-engine).
PODMAN := $(abspath .cache/podman-engine$(addprefix -,$(PODMAN_SUITE)))
export PODMAN_SUITE
# How much longer than in the suite `make fuzz` looks.
TIMES := 500
# More for the commands behind a target: make test ARGS="-k ignore", make compare ARGS="--repeat 5".
ARGS :=
# Every test and benchmark starts Python many times: without its .pyc files each start compiles the project anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1\t/' | expand -t 14

.PHONY: venv engine
venv:
	@VENV=$(VENV) scripts/ensure-venv

engine:
	@scripts/ensure-engine

# In .cache, which git ignores: never inside fixtures/.
$(project).made: $(fixture_files) | venv
	@scripts/apt-install git git
	@rm -rf $(project)
	@$(python) fixtures/make.py $(FIXTURE) $(project)
	@touch $@

.PHONY: compare
compare: venv engine $(project).made  ## measure an example project (FIXTURE=flask-gunicorn) on a real engine
	@base=$$($(python) fixtures/make.py --base $(FIXTURE)); \
	image=$$(scripts/make-base-images "$$base" | cut -d' ' -f2); \
	$(VENV)/bin/ctxsize compare --build-arg "BASE=$$image" $(ARGS) $(project)

.PHONY: test
test: venv engine  ## run the whole test suite
	@scripts/apt-install git git
	@scripts/apt-install chromium chromium
	@scripts/apt-install tmux tmux
	@scripts/make-base-images >/dev/null
	@$(python) -m pytest $(ARGS)

.PHONY: lint
lint: venv  ## ruff (security rules too), mypy, shellcheck, layers, sizes, known vulnerabilities
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/shellcheck --severity=warning $$(grep -lE "^#!.*sh$$" scripts/*) .ci/run
	@$(VENV)/bin/lint-imports --no-logo --no-cache
	@scripts/house
	@VENV=$(VENV) scripts/audit
	@$(python) scripts/help-page --check
	@$(python) scripts/lint-page --check

.PHONY: fuzz
fuzz: venv  ## hostile input for every reader, TIMES=500 times as much as in `make test` (about an hour)
	@CTXSIZE_FUZZ=$(TIMES) $(python) -m pytest -m 'not reference' tests/fuzz \
	  tests/engine/test_exported.py tests/engine/buildkit/test_frames.py $(ARGS)

.PHONY: sweeps
sweeps: venv  ## the long variants of tests without an engine: more random cases, full sizes
	@$(python) -m pytest -m 'slow and not docker and not reference and not podman' $(ARGS)

.PHONY: conformance
conformance: venv engine  ## compare our ignore rules with real builds, 10,000 random cases (about an hour)
	@CTXSIZE_MODERN_ENGINE=$(MODERN) $(python) tests/conformance/ignore/sweep.py --cases 10000 $(ARGS)

.PHONY: oldest
oldest: venv  ## the unit tests with the oldest dependencies that setup.cfg allows (ten minutes)
	@PYTHON=$(python) OLDEST=.cache/oldest scripts/oldest $(ARGS)

.PHONY: live
live: venv engine  ## the current engine: a short sweep against the official clients, its history (as root)
	@host=$$(scripts/modern-engine start $(MODERN)); \
	CTXSIZE_MODERN_ENGINE=$(MODERN) CTXSIZE_REFERENCE_HOST=$$host \
	  $(python) -m pytest -m reference tests/conformance/ignore tests/conformance/test_platforms.py \
	  tests/engine/footprint/test_history.py tests/engine/footprint/test_built_on_nothing.py \
	  tests/engine/buildkit/test_named_contexts.py $(ARGS)

.PHONY: repos
repos: venv engine  ## trees shaped like real repositories against plain builds by the official client (as root)
	@$(python) tests/conformance/repos.py $(ARGS)

# A user that may not read root's files: whoever is named here gets the group of the engine's socket.
ANYBODY := nobody

.PHONY: environments
environments: venv engine  ## reported cases and repos, on this engine and a current one, as root and as ANYBODY
	@modern=$$(scripts/modern-engine start $(MODERN)); bad=0; \
	for host in "$${DOCKER_HOST:-unix:///var/run/docker.sock}" $$modern; do for user in root $(ANYBODY); do \
	  for what in repos environments; do \
	    echo "== $$what on $$host as $$user"; \
	    DOCKER_HOST=$$host $(python) tests/conformance/$$what.py --client $(MODERN) --user $$user $(ARGS) || bad=1; \
	  done; \
	done; done; exit $$bad

.PHONY: builders
builders: venv engine  ## builders of every driver of buildx, with buildx as the reference (as root, 40 minutes)
	@scripts/apt-install strace strace
	@scripts/apt-install openssl openssl
	@scripts/make-base-images >/dev/null
	@STORE=containerd scripts/modern-engine start $(BUILDERS) >/dev/null
	@CTXSIZE_BUILDERS_ENGINE=$(BUILDERS) $(python) -m pytest -m 'reference or not reference' \
	  tests/engine/endpoints tests/cli/test_builders.py tests/conformance/test_platforms.py \
	  tests/engine/footprint/test_built_on_nothing.py $(ARGS)

.PHONY: podman
podman: venv  ## the tests against a real Podman and its own `podman build` (as root; PODMAN_SUITE=trixie: of that release)
	@scripts/podman-engine start $(PODMAN) >/dev/null
	@CTXSIZE_PODMAN_ENGINE=$(PODMAN) $(python) -m pytest -m podman tests/engine/podman $(ARGS)

.PHONY: faults naive storm
faults: venv engine  ## the faults that take long, on a real engine
	@$(python) -m pytest tests/faults -m 'slow or not slow' $(ARGS)

naive: venv  ## see each fault test fail against a naive product (as root, a quarter of an hour)
	@$(python) tests/faults/naive.py $(ARGS)

storm: venv engine  ## 1,000 comparisons killed at random moments, then a look at what is left (an hour or more)
	@$(python) tests/faults/storm.py --runs 1000 --minutes 240 $(ARGS)

.PHONY: suggestions
suggestions: venv engine  ## `suggest` on projects with an expert's ignore file, at full size (half an hour)
	@$(python) -m pytest -m 'slow or not slow' tests/suggest $(ARGS)

.PHONY: pictures
pictures: venv engine  ## make the pictures in docs/pictures from the real program
	@scripts/apt-install git git
	@scripts/apt-install chromium chromium
	@$(python) scripts/pictures

.PHONY: bench bench-table
bench: venv engine  ## run the benchmarks, each a ratio against a peer (ARGS="scan check": only these)
	@scripts/apt-install git git
	@VENV=$(VENV) MODERN=$(MODERN) BUILDERS=$(BUILDERS) scripts/bench $(ARGS)

bench-table: venv  ## put the results of the last `make bench` into benchmarks/README.md
	@$(python) benchmarks/rows.py .cache/bench/results.json --into benchmarks/README.md

.PHONY: clean
clean:  ## remove what the other targets made: .venv, .cache, the stand-in base images
	@[ ! -d $(MODERN) ] || scripts/modern-engine remove $(MODERN)
	@[ ! -d $(BUILDERS) ] || scripts/modern-engine remove $(BUILDERS)
	@for dir in .cache/podman-engine*; do [ ! -d $$dir ] || scripts/podman-engine remove $$dir; done
	@rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist ctxsize.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@images=$$(docker image ls --quiet --filter label=org.ctxsize.base --filter 'reference=ctxsize/base-*' 2>/dev/null || true); \
	[ -z "$$images" ] || docker image rm $$images >/dev/null
