# Two commands for a fresh machine: `make demo` scores real photos, `make test` runs the tests.
PYTHON ?= python3
PIP = .venv/bin/python -m pip --quiet --disable-pip-version-check

.PHONY: demo test test-slow lint smoke docs clean

demo: .venv
	$(PIP) install '.[examples]'
	.venv/bin/python examples/sample_photos.py demo/photos
	.venv/bin/noref score demo/photos --map demo/maps

test: .venv
	$(PIP) install -e '.[dev]'
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n auto --dist loadfile

test-slow: .venv
	$(PIP) install -e '.[dev]'
	.venv/bin/python -m pytest -m slow

lint: .venv
	$(PIP) install -e '.[dev]'
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

smoke: .venv
	$(PIP) install -e '.[dev]'
	.venv/bin/python .ci/smoke.py

docs: .venv
	$(PIP) install -e '.[docs]'
	.venv/bin/python tools/cli_reference.py
	.venv/bin/zensical build --strict --clean

.venv:
	$(PYTHON) -m venv .venv

clean:
	rm -rf .venv demo site .cache
