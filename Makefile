# Start with `make run` and `make test`. Everything is installed into .venv, once.
PYTHON ?= python3
BIN = .venv/bin
SHELL = bash

PIP = --disable-pip-version-check --progress-bar off
# One line that counts on a terminal; nothing elsewhere.
PROGRESS = awk -v tty=$$([ -t 1 ] && echo 1 || echo 0) \
  '!tty {next} /^Collecting/ {printf "\r  %d packages fetched", ++n; fflush()} \
   /^Installing/ {printf "\r  all fetched, unpacking them ..."; fflush()} \
   END {if (tty) printf "\r\033[K"}'

.PHONY: run test sandbox lint check-docs pins licences bench prove clean

run: .venv/run                  ## the whole loop on the sandbox, with real input
	@$(BIN)/python -m sandbox run create_training_set.py
	@$(BIN)/python -m sandbox run daily_scoring.py
	@$(BIN)/python -m sandbox run gt_registration.py --wait 60
	@ls -t var/sandbox/reports/*/index.html | head -n 1 | sed 's/^/overview to open: /'
	@echo "the sandbox's own page, with faults to try: make sandbox"

test: .venv/test                ## the whole test suite, with its coverage (COVERAGE=no: a third faster)
ifeq ($(COVERAGE),no)
	@$(BIN)/python -m pytest -n 2
else
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -n 2
	@# A process that was killed while it wrote leaves a broken file: no warning, and none is kept.
	@$(BIN)/python -W ignore -m coverage combine --quiet
	@rm -f .coverage.*
	@echo "coverage: $$($(BIN)/coverage report --format=total) %; by file: $(BIN)/coverage report"
endif

sandbox: .venv/run              ## Domino and S3 on this machine, until Ctrl-C
	@$(BIN)/python -m sandbox

lint: .venv/test                ## style, types, imports, spelling, licences, docs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/codespell
	@$(BIN)/python -m tools.licences
	@$(BIN)/python -m tools.check_docs

check-docs: .venv/test          ## README and docs: flags, settings, links, every command (a part of lint)
	@$(BIN)/python -m tools.check_docs

pins: .venv/test                ## the newest versions that fit together, into the requirements
	@$(BIN)/python -m tools.pins

licences: .venv/test            ## docs/licences.md, from what is installed
	@$(BIN)/python -m tools.licences --write

bench: .venv/run                ## benchmarks: tables and JSON; fails if a figure exceeds twice its limit
	@for each in benchmarks/startup.py benchmarks/*_cost.py; do $(BIN)/python $$each || exit 1; done

prove: .venv/test               ## docs/reliability.md, measured again: about an hour on two cores
	@rm -rf var/reliability
	@RELIABILITY=long $(BIN)/python -m pytest tests/reliability -n 2 --dist load --maxschedchunk 1; \
	  status=$$?; $(BIN)/python -m tests.reliability.table && exit $$status

clean:                          ## remove everything that was installed or generated
	rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage*

.venv/run: requirements.txt sandbox/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or" \
	  " newer is needed, this is " + sys.version.split()[0] + "; name another one:" \
	  " make PYTHON=python3.12 ...")'
	@echo "installing $$(cat $^ | grep -c ==) packages into .venv (once; 1 to 2 minutes, 0.75 GB) ..."
	@$(PYTHON) -m venv .venv
	@set -o pipefail; $(BIN)/python -m pip install $(PIP) -r sandbox/requirements.txt | $(PROGRESS)
	@touch $@

.venv/test: .venv/run requirements-dev.txt
	@echo "installing $$(grep -c == requirements-dev.txt) packages more, for the tests ..."
	@set -o pipefail; $(BIN)/python -m pip install $(PIP) -r requirements-dev.txt | $(PROGRESS)
	@# The tests of the pages need a browser, and are skipped without one.
	@if ! command -v chromium >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing Chromium ..."; \
	  (apt-get install -qq -y chromium || { apt-get update -qq && apt-get install -qq -y chromium; }) \
	    >/dev/null 2>&1 || echo "no Chromium: the tests of the pages are skipped"; fi
	@touch $@
