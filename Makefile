# make app                starts the app on the built-in data set; installs what it needs into .venv first
# make test               runs every test; installs what tests need first
# make app TORCH=system   uses the torch and torchvision that $(PYTHON) already has
PYTHON ?= python3
PORT ?= 8501
ADDRESS ?= localhost
TORCH ?= pinned
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

ifeq ($(TORCH),system)
VENV_OPTIONS := --system-site-packages
KEEP := grep -v -i -E '^(torch|torchvision|triton|nvidia-|cuda-)'
else
KEEP := cat
endif

.PHONY: app install test lint check format bench clean

app: $(VENV)/.app
	$(BIN)/python -m streamlit run app.py --server.port $(PORT) --server.address $(ADDRESS)

install: $(VENV)/.app

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --ignore tests/browser
	$(BIN)/python -m pytest tests/browser

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint test

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache data/cache

$(BIN)/python:
	@$(PYTHON) -c "import sys; sys.version_info >= (3, 11) or sys.exit('LongTail Lab needs Python 3.11 or newer; this is ' + sys.version.split()[0] + ': make app PYTHON=python3.12')"
	$(PYTHON) -m venv $(VENV_OPTIONS) $(VENV)

$(VENV)/.app: requirements.txt requirements.lock | $(BIN)/python
	@echo "Installing into $(VENV) (with the pinned torch on Linux: 3.1 GB to download, 6.4 GB on disk; only the first time) ..."
	@$(KEEP) requirements.txt > $(VENV)/wanted.txt
	@$(KEEP) requirements.lock > $(VENV)/locked.txt
	$(PIP) -r $(VENV)/wanted.txt -c $(VENV)/locked.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.app requirements-dev.txt
	@grep -v '^-r' requirements-dev.txt > $(VENV)/wanted-dev.txt
	$(PIP) -r $(VENV)/wanted-dev.txt -c $(VENV)/locked.txt
	@touch $@
