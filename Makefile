# Seeing in Vectors. A bare `make` lists the commands.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

# On a busy machine a waiting thread must sleep, not spin; everything runs offline and from this folder alone.
export OMP_WAIT_POLICY := PASSIVE

.DEFAULT_GOAL := help
.PHONY: help lab test test-fast notebooks bench tables claims lock environment clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

environment:
	@command -v $(PYTHON) >/dev/null || { echo "Set-up stopped. $(PYTHON) was not found: install Python 3.11 or newer." >&2; exit 1; }
	@$(PYTHON) tools/make_environment.py

lab: environment  ## set up if needed, and open the course in JupyterLab (ARGS are passed on)
	$(BIN)/jupyter lab --ip=127.0.0.1 $(ARGS) notebooks/00_start_here.ipynb

# Side by side, a process a core, one thread each: the course's tensors are small, a second thread gains nothing.
PYTEST := OMP_NUM_THREADS=1 TQDM_DISABLE=1 $(BIN)/python -m pytest
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist loadscope

# The detectors, each trained once; the notebooks find them in data/cache. What fails here fails again there, and is told.
TRAIN := OMP_NUM_THREADS=1 TQDM_DISABLE=1 $(BIN)/python -m course_lib.recipes

test: test-fast  ## prove that everything works: lint, unit tests, every notebook
	$(PYTEST) $(SIDE_BY_SIDE) -p tests.notebooks.budgets --nbval --nbval-current-env --nbval-cell-timeout=180 \
	  --nbval-sanitize-with tests/notebooks/nbval_sanitize.cfg notebooks/*.ipynb

test-fast: environment  ## the same without the notebooks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PYTEST) $(SIDE_BY_SIDE) -m "not browser" tests course_lib
	$(TRAIN) yolo detr rcnn & $(TRAIN) fast_rcnn faster_rcnn mask_rcnn retinanet & wait
	$(PYTEST) -m browser tests

notebooks: environment  ## build and execute the notebooks whose source or library changed (ARGS=--all: every one)
	$(BIN)/python tools/build_notebooks.py $(ARGS)

bench: environment  ## time our operations beside their peers (ARGS=faces: some of them)
	OMP_NUM_THREADS=1 TQDM_DISABLE=1 $(BIN)/python -m tools.benchmark $(ARGS)

tables: environment  ## compute again the tables that take longer than a notebook may (half an hour)
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.make_tables
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.make_detr_curves

SEEDS ?=

claims: environment  ## run the notebooks on other data seeds (SEEDS="21 22"), record how far each claim is from failing
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.claims $(SEEDS) $(ARGS)

lock: environment  ## pin the newest packages that pyproject.toml allows into requirements.txt
	UV_CACHE_DIR=.cache/uv $(BIN)/uv pip compile --universal --upgrade --no-emit-index-url --quiet \
	  --custom-compile-command "make lock" pyproject.toml -o requirements.txt

clean:  ## remove the environment and everything that was cached
	rm -rf .venv .cache data/cache
