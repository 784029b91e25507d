# Seeing in Vectors. A bare `make` lists the commands.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

# On a busy machine a waiting thread must sleep, not spin; everything runs offline and from this folder alone.
export OMP_WAIT_POLICY := PASSIVE
# A Python, packages or an environment of something else must not come before ours.
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV CONDA_PREFIX
# Compiled modules are kept: without them each process, and each kernel, compiles torch anew, for several seconds.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help lab slides test unit page lint notebooks assignments grade bench tables claims lock environment clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

environment:
	@command -v $(PYTHON) >/dev/null || { echo "Set-up stopped. $(PYTHON) was not found: install Python 3.11 or newer." >&2; exit 1; }
	@$(PYTHON) tools/make_environment.py

lab: environment  ## set up if needed, and open the course in JupyterLab (ARGS are passed on)
	$(AT_HOME)$(BIN)/jupyter lab --ip=127.0.0.1 $(ARGS) notebooks/00_start_here.ipynb

slides: environment  ## show a notebook as slides: a clicker, PageDown or Space goes on, Esc ends (NB=08)
	@test -n "$(NB)" || { echo "Which notebook? make slides NB=08" >&2; exit 1; }
	@rm -rf .cache/slides
	$(AT_HOME)$(ON_SLIDES) $(BIN)/jupyter lab --ip=127.0.0.1 $(ARGS) $(wildcard notebooks/$(NB)*.ipynb)

# Slide mode is a setting, which JupyterLab would remember: with a folder of its own, `make lab` stays as it was left.
ON_SLIDES = JUPYTER_CONFIG_PATH="$(CURDIR)/tools/slides$(addprefix :,$(JUPYTER_CONFIG_PATH))" \
  JUPYTERLAB_SETTINGS_DIR=.cache/slides/settings JUPYTERLAB_WORKSPACES_DIR=.cache/slides/workspaces

# Jupyter keeps its files at home; where that cannot be written to, in .cache.
AT_HOME := $(shell test -w "$$HOME" || printf 'HOME="%s/.cache/home" ' "$(CURDIR)")

# Side by side, a process a core, one thread each: the course's tensors are small, a second thread gains nothing.
PYTEST := $(AT_HOME)OMP_NUM_THREADS=1 TQDM_DISABLE=1 $(BIN)/python -m pytest
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist
# No unit test needs nbval itself, and to load it takes seconds.
UNIT := -p no:nbval
NBVAL := -p tests.notebooks.controls --nbval --nbval-current-env --nbval-cell-timeout=180 \
  --nbval-sanitize-with tests/notebooks/nbval_sanitize.cfg

# What notebooks share, each trained once; they find it in data/cache. What fails here fails again there, and is told.
TRAIN := OMP_NUM_THREADS=1 TQDM_DISABLE=1 $(BIN)/python -m course_lib.recipes

# Each thing once: the nbval run executes every notebook and moves its controls, the browser opens what that has shown.
test: lint  ## prove that everything works: lint, all tests, every notebook, the browser
	$(PYTEST) $(SIDE_BY_SIDE) worksteal $(UNIT) -m "not browser and not trained" tests course_lib tools
	$(TRAIN) yolo detr rcnn fast_rcnn faster_rcnn mask_rcnn retinanet & $(TRAIN) pretexts contrastive verification & wait
	$(PYTEST) $(SIDE_BY_SIDE) loadscope -p tests.notebooks.budgets $(NBVAL) notebooks/*.ipynb notebooks/assignments/*.ipynb
	$(PYTEST) $(SIDE_BY_SIDE) load -m trained tests/notebooks
	$(PYTEST) -m "browser and not page" tests

unit: lint  ## lint and the unit tests that need no training, process, kernel or browser (ARGS=tests/search: some of them)
	$(PYTEST) $(SIDE_BY_SIDE) worksteal $(UNIT) -m "not browser and not slow and not trained" $(or $(ARGS),tests course_lib tools)

page: environment  ## build one notebook, prove it, and run it in the browser (NB=08)
	@test -n "$(NB)" || { echo "Which notebook? make page NB=08" >&2; exit 1; }
	$(BIN)/python -m tools.build_notebooks $(NB)
	$(BIN)/python -c "from tools.build_notebooks import *; [train_before(s.stem) for s in chosen_sources(['$(NB)'])]"
	$(PYTEST) $(NBVAL) notebooks/$(NB)*.ipynb
	$(PYTEST) -m browser -k "$(NB) and (run_all or opens or slides)" tests/browser

lint: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

notebooks: environment  ## build and execute the notebooks whose source or library changed (ARGS=--all: every one)
	$(BIN)/python -m tools.build_notebooks $(ARGS)

assignments: environment  ## make the assignments that students get (ARGS="--variant 2027": other inputs; "--key answers": solutions)
	$(BIN)/python -m tools.make_assignments $(ARGS)

grade: environment  ## mark a folder of submissions (SUBMISSIONS=folder, also ASSIGNMENT=3_boxes TO=marks WORKERS=8 SCHEDULER=tcp://...)
	@test -n "$(SUBMISSIONS)" || { echo "Which submissions? make grade SUBMISSIONS=folder" >&2; exit 1; }
	OMP_NUM_THREADS=1 $(BIN)/python -m course_lib.marking "$(SUBMISSIONS)" $(if $(ASSIGNMENT),--assignment "$(ASSIGNMENT)") \
	  $(if $(RELEASE),--release "$(RELEASE)") $(if $(TO),--to "$(TO)") $(if $(WORKERS),--workers $(WORKERS)) $(if $(SCHEDULER),--scheduler "$(SCHEDULER)") $(ARGS)

bench: environment  ## time our operations beside their peers (ARGS=faces: some of them)
	OMP_NUM_THREADS=1 TQDM_DISABLE=1 $(BIN)/python -m tools.benchmark $(ARGS)

tables: environment  ## compute the tables that are stale, an hour or two (ARGS=--confirm: a third of each)
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.make_tables $(ARGS)
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.make_detr_curves $(ARGS)
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.make_pretexts $(ARGS)
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.make_contrastive $(ARGS)
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.make_verification $(ARGS)

SEEDS ?=

claims: environment  ## run the notebooks on other data seeds (SEEDS="21 22"), record how far each claim is from failing
	OMP_NUM_THREADS=1 $(BIN)/python -m tools.claims $(SEEDS) $(ARGS)

lock: environment  ## pin the newest packages that pyproject.toml allows into requirements.txt
	UV_CACHE_DIR=.cache/uv $(BIN)/uv pip compile --universal --upgrade --no-emit-index-url --quiet \
	  --custom-compile-command "make lock" pyproject.toml -o requirements.txt

clean:  ## remove the environment and everything that was cached
	rm -rf .venv .cache data/cache
