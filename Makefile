# fieldapp: every command, in the order a newcomer meets them (`make help` prints this list).
# Each first makes what it needs, and only what changed since, so the second time starts in seconds.
# Set-up is at the bottom; what takes more than a few lines is in tools/.

.DEFAULT_GOAL := help
.NOTPARALLEL:
STARTED := $(shell date +%s)
# First the virtual environment: its Python, its tools, and its Node where the machine has none.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Node brings a list of certificate authorities of its own; npm is to trust what this machine trusts.
export NODE_EXTRA_CA_CERTS ?= $(wildcard /etc/ssl/certs/ca-certificates.crt)

.PHONY: help run test test-long check bench bench-full format translations client lock set-up set-up-run clean

help:           ## print this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*##/make \1\t/' | expand -t 22

run: set-up-run ## set up, make the demo county in an empty data directory, serve on http://127.0.0.1:8000
	@python -m fieldapp demo
	@echo "Set up in $$(($$(date +%s) - $(STARTED))) s"
	@python -m fieldapp serve

test: set-up .system-packages ## every test: Python on SQLite and on PostgreSQL, JavaScript, the app in a browser
	node --test --test-reporter=dot $(shell find tests/js -name '*.test.js')
	python -m pytest -m "not browser" --numprocesses auto --maxprocesses 4 --dist worksteal
	python -m pytest -m browser --numprocesses auto --maxprocesses 2 --dist loadfile --timeout 600

test-long: set-up .system-packages ## ten times as many random answers to forms and stories of a county, twenty times as many schedules of faults between phones and server
	ODK_INSTANCES=750 python -m pytest tests/odk --timeout 3600
	LONG_BROWSER_TESTS=1 python -m pytest tests/browser/test_killed_pages.py
	IMPORT_ROWS=100000 python -m pytest tests/imports/test_imports.py -k thousands --timeout 7200
	ODD_BODIES=200 python -m pytest tests/sync/test_quarantine.py -k whatever --timeout 3600
	REPORT_STORIES=40 python -m pytest tests/reports/test_counts.py --timeout 3600
	SYNC_SCHEDULES=2000 SYNC_SECONDS=60 python -m pytest tests/sync/test_schedules.py tests/sync/test_two_servers.py --numprocesses auto --maxprocesses 4

check: set-up   ## format, lint, types, order of the features, migrations, translations
	ruff format --check .
	ruff check .
	mypy
	lint-imports --no-logo
	npm run --silent check
	python -m tools.check_migrations
	python -m tools.check_translations
	node tools/check_phone_texts.mjs

bench: set-up .system-packages benchmarks/node_modules/.ready ## speed and size of forms, beside two other engines, of a sync, of the registry, of the desk
	python -m benchmarks

bench-full: set-up .system-packages ## a hundred thousand people imported; a payment list of five thousand rows; the registry at two million, the desk at ten million visits, kept in FIELDAPP_BENCH_DIR (some 35 GB)
	python -m benchmarks.importing
	python -m benchmarks.paying
	python -m benchmarks.registry
	python -m benchmarks.desk

format: set-up  ## rewrite Python the way `make check` wants it
	ruff check --fix .
	ruff format .

translations: set-up ## bring the texts of code and templates into the .po files, to be translated there
	tools/update_translations.sh

client: static/dist/.ready ## build the phone app and the desk's JavaScript into static/dist

lock: .venv/ready-to-test .venv/node ## write the lock files anew after a change in requirements*.in or package.json
	tools/lock.sh

clean:          ## remove all that make made; records in data/ stay
	rm -rf .venv node_modules benchmarks/node_modules static/dist $(MESSAGES)

# --- set-up -----------------------------------------------------------------------------------------------------

MESSAGES := $(patsubst %.po,%.mo,$(wildcard fieldapp/translations/*/LC_MESSAGES/messages.po))
PIP_INSTALL := python -m pip install -qq --require-hashes --disable-pip-version-check

set-up-run: .venv/ready-to-run $(MESSAGES) static/dist/.ready
set-up: .venv/ready-to-test node_modules/.ready-to-test set-up-run

.PHONY: .system-packages
.system-packages:
	@tools/system_packages.sh browser driver font postgres

.venv/made:
	@tools/make_venv.sh
	@touch $@

.venv/ready-to-run: requirements.txt | .venv/made
	@echo "Installing what the program needs (requirements.txt)"
	@$(PIP_INSTALL) -r requirements.txt
	@touch $@

.venv/ready-to-test: requirements-dev.txt | .venv/made
	@echo "Installing what tests and checks need (requirements-dev.txt)"
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch .venv/ready-to-run $@

.venv/node: requirements-node.txt | .venv/made
	@tools/ensure_node.sh
	@touch $@

# `npm ci` empties node_modules first, these marks with it.
node_modules/.ready-to-run: package-lock.json | .venv/node
	@echo "Installing what the phone app is built from (package-lock.json)"
	@npm ci --omit=dev --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

node_modules/.ready-to-test: package-lock.json | .venv/node
	@echo "Installing what building and testing the phone app needs (package-lock.json)"
	@npm ci --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch node_modules/.ready-to-run $@

# What the benchmarks measure against; no part of the product, and its packages' own scripts are not run.
benchmarks/node_modules/.ready: benchmarks/package-lock.json | .venv/node
	@echo "Installing what forms are measured against (benchmarks/package-lock.json)"
	@npm ci --prefix benchmarks --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

# Folders count too: they change when a file in them is removed.
static/dist/.ready: node_modules/.ready-to-run static/build.mjs templates/phone/shell.html $(shell find static/src 2>/dev/null)
	@node static/build.mjs
	@touch $@

%.mo: %.po | .venv/ready-to-run
	@pybabel --quiet compile --input-file $< --output-file $@
