# make help tells what there is. Everything runs in .venv, which `setup` keeps in step with local/requirements.txt.

VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
BENCH_STAMP := $(VENV)/.installed-bench
SPREAD := -n auto --dist loadscope --no-loadscope-reorder
export PYTHONPATH := $(CURDIR):$(CURDIR)/layers/core/python:$(CURDIR)/layers/documents/python

.DEFAULT_GOAL := help
.PHONY: help setup run deploy-local test test-slow test-real bench deploy lint audit-packages contracts clean

help: ## what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(STAMP) ## create .venv and install everything (quick when nothing changed)

$(STAMP): requirements.txt layers/search/requirements.txt layers/documents/requirements.txt local/requirements.txt
	@python=$$(for name in python3.11 python3.12 python3.13 python3; do \
		$$name -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; \
	done); \
	test -n "$$python" || { echo "error: Python 3.11 or newer with venv is needed: install python3.11 and python3.11-venv" >&2; exit 1; }; \
	test -x $(PY) || $$python -m venv $(VENV)
	@echo "installing into $(VENV): a minute or a few, and nothing is said meanwhile"
	$(PY) -m pip install --quiet --disable-pip-version-check -r local/requirements.txt
	@touch $@

run: setup ## start the whole system with demo data; Ctrl-C stops it (KAFKA=apache, DYNAMODB=local: real parts)
	@exec $(PY) -m local run

deploy-local: setup ## package as for AWS, deploy to the local endpoint, play 20 cases on the deployed functions
	$(PY) -m local.package
	@exec $(PY) -m local demo --lambda --cases 20

test: setup ## the tests, on the embedded parts, on all cores
	$(PY) -m pytest -m "not slow" $(SPREAD)

test-slow: setup ## the tests marked slow: deployed functions, requests made from the API's document, long plays
	$(PY) -m pytest -m slow $(SPREAD)

test-real: setup ## the tests that stand on Apache Kafka and DynamoDB Local (Java 17 and Maven)
	KAFKA=apache DYNAMODB=local $(PY) -m pytest --timeout 300 -m "not slow" tests/real tests/integration tests/e2e
	$(PY) -m tests.real.kafka $(PY) -m pytest --timeout 300 tests/local/test_kafka_source.py

bench: setup $(BENCH_STAMP) ## measurements, side by side; KAFKA=apache DYNAMODB=local measures on real parts
	$(PY) -m bench $(BENCH)

$(BENCH_STAMP): bench/requirements.txt $(STAMP)
	$(PY) -m pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	@touch $@

deploy: ## to AWS, with samconfig.toml (docs/operations.md; the first time `sam build && sam deploy --guided`)
	@command -v sam >/dev/null || { echo "error: sam is missing: pip install aws-sam-cli, or see docs/operations.md" >&2; exit 1; }
	@grep -q ClusterArn samconfig.toml || { echo "error: samconfig.toml names no cluster: run sam build && sam deploy --guided once (docs/operations.md)" >&2; exit 1; }
	sam build && sam deploy

lint: setup ## ruff, mypy, bandit, cfn-lint
	$(PY) -m ruff check .
	$(PY) -m ruff format --check --quiet .
	$(PY) -m mypy
	$(PY) -m bandit --quiet --recursive --configfile pyproject.toml layers functions local infra
	$(VENV)/bin/cfn-lint template.yaml $(wildcard infra/*.yaml)

audit-packages: setup ## known vulnerabilities of the installed packages, as far as the package index tells
	$(PY) -m local.advisories

contracts: setup ## write docs/api/ and the tables of docs/exchange-tables.md anew from the code
	$(PY) -m local.contracts
	$(PY) -m local.table_page

clean: ## remove .venv, local state and caches
	rm -rf $(VENV) .local .aws-sam .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
