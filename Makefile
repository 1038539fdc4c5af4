SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run test test-slow lint bench evidence docs clean

PYTHON ?= python3
# Where a CPU build of torch is looked for when the machine has no NVIDIA driver.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
BIN := .venv/bin
STAMP := .venv/.setup-complete
# What `make evidence` runs, in this order; many hours on two cores, most of them cloth.
EVIDENCE ?= benchmarks.fresh_clone $(addprefix benchmarks.serving.,compare_cpu fast_vs_exact prefix_cache fuzz soak afd_overhead afd_link_delay mixed_load cost_prediction) \
	$(addprefix benchmarks.tradeoffs.,zoo_matrix intervals power_table analysis_time inspect_overhead smollm2_gates) \
	$(addprefix benchmarks.world.,stop_latency realtime execution held_out) \
	$(addprefix benchmarks.cloth.,speed demonstrations fairness)
SOURCES := src tests scripts $(wildcard benchmarks examples experiments)

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Create .venv with everything in it (a second call does nothing)
	@echo "[setup] .venv is ready"

$(STAMP): pyproject.toml constraints.txt scripts/setup.sh
	@PYTHON="$(PYTHON)" TORCH_INDEX="$(TORCH_INDEX)" bash scripts/setup.sh
	@touch $@

run: setup ## Fetch the default model, serve it, show one answer (REGARD_RUN_ONCE=1: then stop)
	@$(BIN)/regard stack run $(if $(REGARD_RUN_ONCE),--once) $(RUN_ARGS)

test: setup ## The default tier of tests: minutes, no network, no GPU
	$(BIN)/python -m pytest -n 2 --dist loadfile $(PYTEST_ARGS)

test-slow: setup ## What CI adds to the default tier
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "slow and not gpu and not multi_gpu and not browser" $(PYTEST_ARGS)

lint: setup ## Formatting, lint rules and types
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy

bench: setup ## A short benchmark of the engine with the default model
	$(BIN)/regard bench offline $(BENCH_ARGS)

evidence: setup ## The long checks that write result rows (soak, fuzzing, benchmarks); needs a clean tree
	@for benchmark in $(EVIDENCE); do \
		echo "== $$benchmark"; $(BIN)/python -m $$benchmark --write || exit 1; \
	done
	@$(MAKE) --no-print-directory docs

docs: setup ## Generate the tables of docs/results.md and README.md from results/
	$(BIN)/python scripts/make_tables.py

clean: ## Remove .venv and every cache in this folder
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
