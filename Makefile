# Everything a newcomer or a developer does with this tree. `make` alone lists it.
#
# Two stamps: `make run` installs what the product needs, the rest what its tests need.

PYTHON ?= python3
FOLDER ?= data
PORT ?= 8000
ZONES ?= 1
GRPC_PORT ?= 8001
# Peers that tests and benchmarks compare with are built once, outside the tree.
export STATOR_CACHE ?= $(HOME)/.cache/stator

BIN := .venv/bin
DYNOXIDE := $(STATOR_CACHE)/dynoxide-3.2.0/bin/dynoxide
ETCD_LOAD := $(STATOR_CACHE)/etcd_load/etcd_load
GO := $(firstword $(wildcard /usr/local/go/bin/go /usr/lib/go/bin/go) go)
DYNALITE := $(STATOR_CACHE)/dynalite-4.0.0/node_modules/dynalite/cli.js
PYTEST := $(BIN)/python -m pytest -q
# Two workers for two cores; a file stays with one worker, which has a server of its own.
PARALLEL := -n 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help run setup test test-kubernetes kubernetes-packages check conformance guides faults \
	simulate differential fuzz bench \
	bench-quick bench-cluster bench-kubernetes bench-cluster-quick etcd format profile proto crds peers clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-19s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/installed ## start `stator local` on 127.0.0.1:8000 (FOLDER=data PORT=8000 GRPC_PORT=8001 ZONES=1)
	exec $(BIN)/stator local --folder $(FOLDER) --port $(PORT) --grpc-port $(GRPC_PORT) --zones $(ZONES)

setup: .venv/installed-development ## install the product and everything its tests need into .venv

test: setup ## run every test that needs nothing from outside this tree
	$(PYTEST) $(PARALLEL) tests --ignore=tests/differential

test-kubernetes: setup kubernetes-packages ## what needs Kubernetes: an API server, a cluster of three zones
	$(PYTEST) tests/kubernetes

kubernetes-packages: # what a cluster of one's own needs of the machine's packages
	@tests/kubernetes/packages.sh

check: setup ## what CI wants of the source: style, types, walls, tidiness
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(PYTEST) tests/test_tidy.py

format: setup ## lay the source out as `check` wants it
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

conformance: setup ## boto3 against a running server: URL=http://host:port, or one started for the test
	$(PYTEST) tests/conformance $(if $(URL),--url $(URL),$(PARALLEL))

guides: setup ## the commands and snippets of DynamoDB guides, through the AWS CLI and boto3
	$(PYTEST) $(PARALLEL) tests/guides

faults: setup ## kill -9 under load, damaged files, full disks
	$(PYTEST) tests/faults

simulate: setup ## seeds of the simulated cluster: SEEDS=20000 FIRST=0
	$(BIN)/python tests/simulation/simulate.py --seeds $(or $(SEEDS),20000) --first $(or $(FIRST),0)

differential: setup $(DYNOXIDE) ## the same requests to Stator and Dynoxide (EXAMPLES=... for more)
	DYNOXIDE=$(DYNOXIDE) $(PYTEST) $(PARALLEL) tests/differential

fuzz: setup ## coverage-guided fuzzing of the parsers, bounded (SECONDS_EACH=30)
	-$(BIN)/pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	$(BIN)/python tests/fuzz/run.py --seconds $(or $(SECONDS_EACH),30)

bench: setup peers ## Stator beside its peers; writes benchmarks/results.md
	$(BIN)/python benchmarks/run.py

bench-quick: setup peers ## the same in two minutes, printed only
	$(BIN)/python benchmarks/run.py --quick

bench-cluster: setup etcd ## three zones beside etcd; writes benchmarks/results-cluster.md
	$(BIN)/python benchmarks/beside_etcd.py

bench-followers: setup ## indexes, streams and time to live; writes a page of results
	$(BIN)/python benchmarks/followers.py

bench-kubernetes: setup kubernetes-packages ## the operator and a pool in a real cluster; writes a page of results
	PYTHONPATH=tests:tests/kubernetes:tests/operator:tests/core/raft:benchmarks $(BIN)/python tests/kubernetes/measure.py $(QUICK)

bench-cluster-quick: setup etcd ## the same in three minutes, printed only
	$(BIN)/python benchmarks/beside_etcd.py --quick

etcd: ## etcd and the program that drives it, where both can be had; else they are left out
	@command -v etcd >/dev/null || apt-get install -y -qq etcd-server >/dev/null 2>&1 || \
		echo "etcd cannot be installed here (apt-get install etcd-server): it is left out"
	@$(MAKE) --silent $(ETCD_LOAD) || \
		echo "etcd's load generator cannot be built here (it needs Go): etcd is left out"

peers: $(DYNOXIDE) $(DYNALITE) ## build the peers that tests and benchmarks compare with

profile: setup ## record where a running server spends its time: PID=...
	$(BIN)/py-spy record --rate 500 --duration 10 --pid $(PID) --output profile.svg

proto: setup ## regenerate the gRPC code from proto/
	$(BIN)/python -m grpc_tools.protoc --proto_path=proto \
		--python_out=node/stator_node/gateway/generated \
		--pyi_out=node/stator_node/gateway/generated \
		proto/stator/v1/data.proto

crds: setup ## write crds/ and the chart's rules anew from operator/stator_operator
	$(BIN)/python -m stator_operator.write_crds crds charts/stator

clean: ## remove what was built here (not the data)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Stator needs Python 3.11 or later: make $(MAKECMDGOALS) PYTHON=/path/to/it"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml | .venv/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/installed-development: pyproject.toml | .venv/bin/pip
	$(BIN)/pip install --quiet --disable-pip-version-check -e '.[development]'
	@touch $@ .venv/installed

$(DYNOXIDE):
	cargo install dynoxide-rs --version 3.2.0 --locked --root $(STATOR_CACHE)/dynoxide-3.2.0

$(ETCD_LOAD): benchmarks/etcd_load/main.go benchmarks/etcd_load/go.mod
	mkdir -p $(dir $@)
	cd benchmarks/etcd_load && $(GO) build -buildvcs=false -trimpath -o $@ .

$(DYNALITE):
	mkdir -p $(STATOR_CACHE)/dynalite-4.0.0
	npm install --prefix $(STATOR_CACHE)/dynalite-4.0.0 --no-audit --no-fund dynalite@4.0.0
