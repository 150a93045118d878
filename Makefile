# Two commands are all it takes: `make run` and `make test`. Python ≥ 3.11 and make are all they need.

PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=

PY       := $(VENV)/bin/python
EMBEDDED := $(PY) -m hypervisor.embedded exec --
INSTALL  := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes
COMPILE  := $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
            --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help run manage test check demo bench bench-flow bench-observe bench-console bench-watch contract chaos \
        contention engines engine-chaos docs lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run ## Serve everything here; ARGS=--verbose shows every line
	@$(PY) -m hypervisor.run $(ARGS)

manage: $(VENV)/.run ## A Django command beside `make run`: ARGS="changepassword admin"
	@$(PY) -m hypervisor.run manage $(ARGS)

test: $(VENV)/.dev ## Run the tests on a real database and broker; ARGS="-k name" narrows
	@$(EMBEDDED) $(PY) -m pytest -n 2 --dist loadfile $(ARGS)

check: $(VENV)/.dev ## Format, lint, types, import contracts, migrations, then the tests
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(EMBEDDED) $(PY) -m mypy
	$(VENV)/bin/lint-imports --no-cache
	$(EMBEDDED) $(PY) manage.py makemigrations --check --dry-run
	@$(MAKE) --no-print-directory test

demo: $(VENV)/.run ## Fill a running service with a real workload
	@$(PY) -m hypervisor.run manage demo $(ARGS)

bench: $(VENV)/.dev ## Measure, each figure beside its yardstick; ARGS="--out FILE" saves JSON
	@$(PY) -m hypervisor.embedded exec --durable -- $(PY) -m hypervisor.bench $(ARGS)

bench-flow: $(VENV)/.run ## Measure a service of its own: 50,000 deployments until all run, then one among 100,000
	@$(PY) -m hypervisor.bench.flow $(ARGS)

bench-observe: $(VENV)/.run ## Measure a look at 500 containers on the Docker engine of DOCKER_HOST
	@$(PY) -m hypervisor.bench.observe $(ARGS)

bench-console: $(VENV)/.dev ## Open every page of the console at a million deployments; ARGS="--deployments 20000" tries it out
	@$(EMBEDDED) $(PY) -m hypervisor.bench.console $(ARGS)

bench-watch: $(VENV)/.run ## Measure 1,000 clients that watch the events of a service of its own while the demo runs
	@$(PY) -m hypervisor.bench.watch $(ARGS)

contract: $(VENV)/.run ## Hold a running service to its wire contract, step by step
	@$(PY) -m hypervisor.demo.contract $(ARGS)

chaos: $(VENV)/.run ## Kill every process of a service of its own, one at a time, under load
	@$(PY) -m hypervisor.demo.chaos

contention: $(VENV)/.dev ## Let many hands at a few clusters at once; ARGS="--operations 100000"
	@$(EMBEDDED) $(PY) -m hypervisor.demo.contention $(ARGS)

engines: $(VENV)/.run ## Prove a service of its own on the Docker engine of DOCKER_HOST, step by step
	@$(PY) -m hypervisor.demo.engines $(ARGS)

engine-chaos: $(VENV)/.run ## Kill who speaks to that engine in the middle of it; ARGS="--rounds 200"
	@$(PY) -m hypervisor.demo.engine_chaos $(ARGS)

lock: $(VENV)/.dev ## Resolve requirements/*.in anew into the hash-locked *.txt
	cd $(CURDIR) && for name in base embedded dev; do \
	    $(COMPILE) requirements/$$name.in --output-file requirements/$$name.txt || exit 1; done

docs: $(VENV)/.dev ## Build the documentation as a site that can be read from the disk: build/site/index.html
	@NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build -f docs/site/mkdocs.yml

clean: ## Remove the environment and the caches, never the data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# A stamp is younger than what was installed from, or the environment is brought up to date.
$(VENV)/.run: requirements/base.txt requirements/embedded.txt | $(VENV)/.made
	@echo "Installing what the service needs into $(VENV) ..."
	@$(INSTALL) -r requirements/base.txt -r requirements/embedded.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt | $(VENV)/.made
	@echo "Installing what the tests need into $(VENV) ..."
	@$(INSTALL) -r requirements/dev.txt
	@touch $@ $(VENV)/.run

$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { \
	    echo "There is no '$(PYTHON)' here. Install Python 3.11 or newer, or say: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) --version 2>&1)."; \
	    echo "Install a newer one, then: make PYTHON=python3.13"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	    echo "$(PYTHON) lacks its venv module. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@
