# Everything is installed into .venv; only make and Python >= 3.11 are needed to start.

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
	    || { echo 'obslake needs Python 3.11, 3.12 or 3.13; name one: make PYTHON=python3.12' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --requirement requirements.txt
	@# Finds everything that it needs there, and builds with it.
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable '.[test]'
	@touch $@

.PHONY: demo
demo: $(INSTALLED) ## Load the demo corpus, build everything, show what came out.
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh demo/demo.sh

.PHONY: test
test: $(INSTALLED) ## Lint, and all tests beside it.
	@MAKE='$(MAKE)' sh scripts/test.sh

# Versions of DuckDB beside the pinned one that are asked: those that answer soon, and one that reads for a minute.
SOON := 1.3.2 2.0.1
LATE := 1.4.5

$(VENV)/duckdb/%: $(INSTALLED)
	@$(BIN)/python -m pip install --quiet --no-deps --target $@ duckdb==$* \
	    || echo 'DuckDB $* cannot be had here: its tests are skipped' >&2

.PHONY: duckdb-versions
duckdb-versions: $(SOON:%=$(VENV)/duckdb/%) $(LATE:%=$(VENV)/duckdb/%) ## Ask the marts and obslake.sql with other versions of DuckDB.
	$(BIN)/python -m pytest tests/marts/test_duckdb_versions.py

.PHONY: pytest
pytest: $(INSTALLED) $(SOON:%=$(VENV)/duckdb/%)
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --durations=25

# Another Python than that of .venv; the plugin's own tests need none of the rest.
.PHONY: test-plugin
test-plugin: ## Test the pytest plugin on any Python from 3.9 on: make test-plugin PYTHON=python3.13.
	$(PYTHON) -m venv $(VENV)-plugin
	$(VENV)-plugin/bin/python -m pip install --quiet --editable loader/pytest_obslake flit_core \
	    attrs cloudpickle dill hypothesis numpy pydantic pytest-rerunfailures pytest-xdist
	PYTHONPATH='$(CURDIR)' $(VENV)-plugin/bin/python -m pytest --confcutdir=tests/plugin tests/plugin

.PHONY: mart
mart: $(INSTALLED) ## Test one mart alone: its unit tests, its data tests and its cases in Python; MART is its name.
	$(BIN)/python -m pytest -rP tests/marts/test_data_tests.py tests/marts/test_end_to_end.py --mart '$(MART)'

.PHONY: fuzz
fuzz: $(INSTALLED) ## Try damaged and hostile files on every reader for longer; EXAMPLES is their number, SEED the start.
	OBSLAKE_FUZZ_EXAMPLES=$(or $(EXAMPLES),5000) OBSLAKE_FUZZ_SEED=$(or $(SEED),1) \
	    OBSLAKE_FUZZ_BOMB=$(or $(BOMB),10737418240) \
	    $(BIN)/python -m pytest tests/loader/test_fuzz.py tests/loader/test_hostile_files.py \
	    tests/loader/test_formats.py tests/loader/test_equal_hashes.py tests/loader/test_report_suites.py \
	    tests/loader/test_report_words.py tests/loader/test_report_characters.py

.PHONY: faults
faults: $(INSTALLED) ## Kill commands, fill disks and lock catalogs, many times; TRIALS is the number of kills, SEED the start.
	OBSLAKE_FAULT_TRIALS=$(or $(TRIALS),300) OBSLAKE_FAULT_SEED=$(or $(SEED),1) \
	    $(BIN)/python -m pytest tests/faults tests/marts/test_refresh.py tests/loader/test_native_histories.py

.PHONY: parallel
parallel: $(INSTALLED) ## Load, compact, build and read at once for longer; SOURCES and ROUNDS of loads, SEED the start.
	OBSLAKE_PARALLEL_SOURCES=$(or $(SOURCES),400) OBSLAKE_PARALLEL_ROUNDS=$(or $(ROUNDS),40) \
	    OBSLAKE_PARALLEL_SEED=$(or $(SEED),1) \
	    $(BIN)/python -m pytest -s tests/faults/test_parallel.py

$(SPARK_INSTALLED): $(INSTALLED) spark/requirements.txt
	$(BIN)/python -m pip install --quiet --require-hashes --no-deps --requirement spark/requirements.txt
	@touch $@

.PHONY: install-spark
install-spark: $(SPARK_INSTALLED) ## Set up Spark in .venv, and Java from the system's packages.
	@# Both do nothing where all is there, which .venv cannot know.
	sh spark/install.sh
	$(BIN)/python -m spark.fetch_jars

.PHONY: spark
spark: install-spark ## Build the demo corpus with Spark and with DuckDB, and compare.
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh spark/demo.sh

.PHONY: test-spark
test-spark: ## Test what Spark builds, and a catalog and a store that several engines share.
	@sh spark/install.sh postgresql; case $$? in \
	    0) $(MAKE) --no-print-directory pytest-spark ;; \
	    75) echo 'skipped: Java cannot be had here' ;; \
	    *) exit 1 ;; \
	esac

.PHONY: pytest-spark
pytest-spark: install-spark
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests/spark --durations=15

.PHONY: lint
lint: $(INSTALLED) ## Check Python and SQL without running it.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python scripts/lint_sql.py

.PHONY: rooms
rooms: $(INSTALLED) ## Show which rooms the loader has, which imports which, and what breaks the rules.
	$(BIN)/python -m scripts.rooms

.PHONY: obslake.sql
obslake.sql: $(INSTALLED) ## Generate the SQL functions for any DuckDB, and their catalogue.
	PATH="$(CURDIR)/$(BIN):$$PATH" sh scripts/generate-sql.sh

.PHONY: bench
bench: $(INSTALLED) ## Measure loading, building and asking on a generated corpus; BENCH holds options.
	$(BIN)/python -m bench.run $(BENCH)

.PHONY: bench-scale
bench-scale: $(INSTALLED) ## Measure how they grow, export by export; BENCH holds options.
	$(BIN)/python -m pip install --quiet --require-hashes --requirement bench/requirements.txt
	$(BIN)/python -m bench.scale $(BENCH)

# Names, versions and hashes; where they come from is the installer's business.
COMPILE := $(VENV)-tools/bin/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
    --no-header --no-annotate --no-emit-options

.PHONY: requirements
requirements: ## Pin the newest releases that the project's own bounds allow, with the hashes of their files.
	$(PYTHON) -m venv $(VENV)-tools
	$(VENV)-tools/bin/python -m pip install --quiet pip-tools
	$(COMPILE) --extra test --all-build-deps --output-file requirements.txt pyproject.toml
	$(COMPILE) --constraint requirements.txt --output-file bench/requirements.txt bench/requirements.in
	$(COMPILE) --constraint requirements.txt --output-file spark/requirements.txt spark/requirements.in

.PHONY: audit
audit: ## Look for known vulnerabilities of what is installed; needs the network.
	$(PYTHON) -m venv $(VENV)-tools
	$(VENV)-tools/bin/python -m pip install --quiet pip-audit
	$(VENV)-tools/bin/pip-audit --strict --require-hashes --disable-pip \
	    --requirement requirements.txt --requirement bench/requirements.txt \
	    --requirement spark/requirements.txt --requirement spark/requirements-jars.txt

.PHONY: suites
suites: $(INSTALLED) ## Hold the pytest plugin against the suites of real distributions; SUITES names some, RECORDER another plugin.
	$(BIN)/python -m bench.suites $(SUITES) --cache $(or $(CACHE),$(VENV)/suites) \
	    $(if $(RECORDER),--recorder $(RECORDER)) $(CAMPAIGN)

.PHONY: clean
clean: ## Remove what the other targets made.
	rm -rf $(VENV) $(VENV)-tools $(VENV)-plugin target logs dbt_packages .pytest_cache .hypothesis .mypy_cache .ruff_cache
