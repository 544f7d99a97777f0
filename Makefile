# Two commands do everything: `make app` and `make test`.
PORT ?= 8501
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
export DEBIAN_FRONTEND := noninteractive

.PHONY: app demo docs links test proofs setup setup-dev browser systemd node nginx slurm ray lab lint unit peers postgres

$(VENV)/.installed: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet torch==2.13.0
	$(VENV)/bin/pip install --quiet -r requirements.txt
	touch $@

$(VENV)/.installed-dev: requirements-dev.txt requirements-docs.txt $(VENV)/.installed
	$(VENV)/bin/pip install --quiet -r requirements-dev.txt
	touch $@

setup: $(VENV)/.installed
setup-dev: $(VENV)/.installed-dev

app: setup
	@$(PY) -m core serve --port $(PORT)

# Short runs in a home of their own, then the dashboard on it.
demo: setup
	@$(PY) -m core demo --port $(PORT)

lint: setup-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports

# A Chromium on the PATH, else Debian's package, else Playwright's own.
browser: setup-dev
	@if command -v chromium >/dev/null || command -v google-chrome >/dev/null; then :; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && apt-get update -qq && \
	     apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; then :; \
	else $(VENV)/bin/playwright install chromium; fi

# systemd-analyze, which reads the unit of `python -m core service install`; without it that test is skipped.
systemd:
	@if ! command -v systemd-analyze >/dev/null && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	     apt-get update -qq && apt-get install -y -qq --no-install-recommends systemd >/dev/null || true; fi

# node and npm, for the sign-in service of the tests; without them its tests are skipped.
node:
	@if ! command -v npm >/dev/null && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	     apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null || true; fi

# nginx, for the tests of the recipe for a proxy; without it they are skipped.
nginx:
	@if ! command -v nginx >/dev/null && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	     apt-get update -qq && apt-get install -y -qq --no-install-recommends nginx-light >/dev/null || true; fi

# SLURM and munge, of which tests make a cluster of their own; without them those tests are skipped.
slurm:
	@if ! command -v slurmctld >/dev/null && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	     apt-get update -qq && apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge \
	     iproute2 util-linux >/dev/null || true; fi

# Ray, as requirements-lab.txt pins it, of which tests make a cluster too; without it those are skipped. Nothing else that is
# installed gets another version by it: then it stays away.
RAY_HERE = $(PY) -c "from importlib.metadata import version; print('ray[default]==' + version('ray'))" 2>/dev/null
ray: setup-dev
	@if ! grep -qxF "$$($(RAY_HERE) || echo no)" requirements-lab.txt; then \
	     $(VENV)/bin/pip freeze | grep -v "^ray==" > $(VENV)/before-ray.txt; \
	     $(VENV)/bin/pip install --quiet -c $(VENV)/before-ray.txt -r requirements-lab.txt || \
	     echo "Ray could not be installed: its tests are skipped."; fi

# What a lab of several machines and people needs besides.
lab: setup-dev
	$(VENV)/bin/pip install --quiet -r requirements-lab.txt

# A PostgreSQL server, which the tests start themselves, as nobody; without one they are skipped.
postgres:
	@if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	     mkdir -p /etc/postgresql-common && echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf; \
	     apt-get update -qq && apt-get install -y -qq --no-install-recommends postgresql >/dev/null || true; fi

# DeepXDE and PINA, for benchmarks.throughput alone.
peers:
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/pip install --quiet torch==2.13.0
	.venv-peers/bin/pip install --quiet -r requirements-peers.txt

# Two tests at a time, one thread each: torch's own threads gain little on networks this small, and would fight. Three take
# as long on two cores.
PYTEST := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(PY) -m pytest -n 2

unit: setup-dev
	$(PYTEST) tests/unit

test: lint browser systemd node nginx slurm ray postgres
	$(PYTEST)

# What takes minutes, one test at a time.
proofs: lint browser slurm ray postgres
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(PY) -m pytest -m proof

# The documentation as web pages, docs/_build/index.html; a warning ends it.
docs: setup-dev
	$(PY) -m docs.config_reference
	$(VENV)/bin/sphinx-build --quiet --fail-on-warning --keep-going docs docs/_build

# Whether the addresses that the documentation names still answer; it needs the internet.
links: setup-dev
	$(VENV)/bin/sphinx-build --quiet --builder linkcheck docs docs/_build/links
