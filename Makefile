# Everything is installed into .venv; only make and Python >= 3.11 are required.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
SPARK_INSTALLED := $(VENV)/.installed-spark

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false

.PHONY: help
help: ## Show the targets.
	@grep -hE '^[a-z.-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z.-]+):.*## */  make \1|/' | column -t -s '|'

.PHONY: install
install: $(INSTALLED) ## Set up everything in .venv.

$(INSTALLED): pyproject.toml requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12), (3, 13)))' \
	    || { echo 'obslake needs Python 3.11, 3.12 or 3.13; choose one: make PYTHON=python3.12' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --requirement requirements.txt
	@# Uses the build tools and dependencies installed above.
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable '.[test]'
	@touch $@

.PHONY: demo
demo: $(INSTALLED) ## Load the demo corpus, build everything, show the results.
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh demo/demo.sh

# The same commit gives the same bytes: archives have its time.
.PHONY: dist
dist: $(INSTALLED) ## Build the wheels and source archives of obslake and pytest-obslake in dist.
	rm -rf dist
	for folder in . loader/pytest_obslake; do \
	    SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct 2>/dev/null || echo 1577836800) \
	    $(BIN)/python -m build --no-isolation --outdir dist $$folder || exit 1; \
	done

.PHONY: test
test: $(INSTALLED) ## Run the linters and all tests in parallel.
	@MAKE='$(MAKE)' sh scripts/test.sh

# DuckDB versions to test besides the pinned one: fast ones, and one that takes a minute to read obslake.sql.
FAST := 1.3.2 2.0.1
SLOW := 1.4.5

$(VENV)/duckdb/%: $(INSTALLED)
	@$(BIN)/python -m pip install --quiet --no-deps --target $@ duckdb==$* \
	    || echo 'DuckDB $* is not available: its tests are skipped' >&2

.PHONY: duckdb-versions
duckdb-versions: $(FAST:%=$(VENV)/duckdb/%) $(SLOW:%=$(VENV)/duckdb/%) ## Test the marts and obslake.sql with other versions of DuckDB.
	$(BIN)/python -m pytest tests/marts/test_duckdb_versions.py

.PHONY: pytest
pytest: $(INSTALLED) $(FAST:%=$(VENV)/duckdb/%)
	@sh scripts/install-browser.sh || test $$? = 75
# Without compiled files each process compiles obslake again, and each worker all tests.
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations=25

# PYTHON may differ from that of .venv; the plugin's tests need no other package of this project.
.PHONY: test-plugin
test-plugin: ## Test the pytest plugin with any Python >= 3.9: make test-plugin PYTHON=python3.13.
	$(PYTHON) -m venv $(VENV)-plugin
	$(VENV)-plugin/bin/python -m pip install --quiet --editable loader/pytest_obslake flit_core \
	    attrs cloudpickle dill hypothesis numpy pydantic pytest-rerunfailures pytest-xdist
	PYTHONPATH='$(CURDIR)' $(VENV)-plugin/bin/python -m pytest --confcutdir=tests/plugin tests/plugin

.PHONY: mart
mart: $(INSTALLED) ## Run the unit tests, data tests and Python tests of one mart: make mart MART=name.
	$(BIN)/python -m pytest -rP tests/marts/test_data_tests.py tests/marts/test_end_to_end.py --mart '$(MART)'

.PHONY: fuzz
fuzz: $(INSTALLED) ## Test every reader with many damaged and hostile files; EXAMPLES is their number, SEED the random seed.
	OBSLAKE_FUZZ_EXAMPLES=$(or $(EXAMPLES),5000) OBSLAKE_FUZZ_SEED=$(or $(SEED),1) \
	    OBSLAKE_FUZZ_BOMB=$(or $(BOMB),10737418240) \
	    $(BIN)/python -m pytest tests/loader/test_fuzz.py tests/loader/test_hostile_files.py \
	    tests/loader/test_formats.py tests/loader/test_verdicts.py tests/loader/test_repeats.py \
	    tests/loader/test_equal_hashes.py tests/loader/test_report_suites.py tests/loader/test_report_words.py \
	    tests/loader/test_report_characters.py

.PHONY: faults
faults: $(INSTALLED) ## Kill commands, fill disks and lock catalogs many times; TRIALS is the number of kills, SEED the random seed.
	OBSLAKE_FAULT_TRIALS=$(or $(TRIALS),300) OBSLAKE_FAULT_SEED=$(or $(SEED),1) \
	    $(BIN)/python -m pytest tests/faults tests/marts/test_refresh.py tests/loader/test_native_histories.py

.PHONY: parallel
parallel: $(INSTALLED) ## Load, compact, build and read in parallel for longer; SOURCES and ROUNDS of loads, SEED the random seed.
	OBSLAKE_PARALLEL_SOURCES=$(or $(SOURCES),400) OBSLAKE_PARALLEL_ROUNDS=$(or $(ROUNDS),40) \
	    OBSLAKE_PARALLEL_SEED=$(or $(SEED),1) \
	    $(BIN)/python -m pytest -s tests/faults/test_parallel.py

$(SPARK_INSTALLED): $(INSTALLED) spark/requirements.txt
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --requirement spark/requirements.txt
	@touch $@

.PHONY: install-spark
install-spark: $(SPARK_INSTALLED) ## Set up Spark in .venv, and Java from the system's packages.
	@# Always run: neither is recorded in .venv, and both do nothing if everything is installed.
	sh spark/install.sh
	$(BIN)/python -m spark.fetch_jars

.PHONY: spark
spark: install-spark ## Build the demo corpus with Spark and with DuckDB, and compare.
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh spark/demo.sh

.PHONY: test-spark
test-spark: ## Test the Spark build, and a catalog and store shared by several engines.
	@sh spark/install.sh postgresql; case $$? in \
	    0) $(MAKE) --no-print-directory pytest-spark ;; \
	    75) echo 'skipped: Java is not available' ;; \
	    *) exit 1 ;; \
	esac

.PHONY: pytest-spark
pytest-spark: install-spark
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests/spark --durations=15

.PHONY: lint
lint: $(INSTALLED) ## Lint and type-check Python and SQL.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python scripts/lint_sql.py

.PHONY: rooms
rooms: $(INSTALLED) ## Show the rooms of the loader, their imports, and the imports that break the rules.
	$(BIN)/python -m scripts.rooms

.PHONY: obslake.sql
obslake.sql: $(INSTALLED) ## Generate the SQL functions for any DuckDB, and their catalogue.
	PATH="$(CURDIR)/$(BIN):$$PATH" sh scripts/generate-sql.sh

.PHONY: bench
bench: $(INSTALLED) ## Measure loads, builds and queries on a generated corpus; BENCH is for options.
	$(BIN)/python -m bench.run $(BENCH)

.PHONY: bench-nights
bench-nights: $(INSTALLED) ## Measure what one more night of tests costs; BENCH is for options.
	$(BIN)/python -m pip install --quiet --require-hashes --requirement bench/requirements.txt
	$(BIN)/python -m bench.nights $(BENCH)

.PHONY: bench-scale
bench-scale: $(INSTALLED) ## Measure their growth, export by export; BENCH is for options.
	$(BIN)/python -m pip install --quiet --require-hashes --requirement bench/requirements.txt
	$(BIN)/python -m bench.scale $(BENCH)

# Names, versions and hashes only: the index is the installer's choice.
COMPILE := $(VENV)-tools/bin/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
    --no-header --no-annotate --no-emit-options

.PHONY: requirements
requirements: ## Pin the newest releases within the project's bounds, with hashes.
	$(PYTHON) -m venv $(VENV)-tools
	$(VENV)-tools/bin/python -m pip install --quiet pip-tools
	$(COMPILE) --extra test --all-build-deps --output-file requirements.txt pyproject.toml
	$(COMPILE) --constraint requirements.txt --output-file bench/requirements.txt bench/requirements.in
	$(COMPILE) --constraint requirements.txt --output-file spark/requirements.txt spark/requirements.in

.PHONY: audit
audit: ## Check the pinned packages for known vulnerabilities; needs the network.
	$(PYTHON) -m venv $(VENV)-tools
	$(VENV)-tools/bin/python -m pip install --quiet pip-audit
	$(VENV)-tools/bin/pip-audit --strict --require-hashes --disable-pip \
	    --requirement requirements.txt --requirement bench/requirements.txt \
	    --requirement spark/requirements.txt --requirement spark/requirements-jars.txt

.PHONY: suites
suites: $(INSTALLED) ## Test the pytest plugin on the suites of real distributions; SUITES selects some, RECORDER another plugin.
	$(BIN)/python -m bench.suites $(SUITES) --cache $(or $(CACHE),$(VENV)/suites) \
	    $(if $(RECORDER),--recorder $(RECORDER)) $(CAMPAIGN)

.PHONY: clean
clean: ## Remove the files created by the other targets.
	rm -rf $(VENV) $(VENV)-tools $(VENV)-plugin dist target logs dbt_packages .pytest_cache .hypothesis .mypy_cache .ruff_cache
