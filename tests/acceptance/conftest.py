"""A demo's directory after its first start, and a browser."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.acceptance.demos import Demo
from tests.chromium import browser as chromium


@pytest.fixture(scope="package")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A demo that was started for the first time, and stopped."""
    with Demo(tmp_path_factory.mktemp("demo") / "var") as demo:
        assert demo.stop() == 0, demo.said
        assert not demo.programs()
    return demo


@pytest.fixture(scope="module")
def demo(first_start: Demo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A running demo that tests share, for those that leave it running."""
    with Demo(Path(shutil.copytree(first_start.var, tmp_path_factory.mktemp("demo") / "var"))) as demo:
        yield demo


@pytest.fixture
def var(first_start: Demo) -> Iterator[Path]:
    """A copy of the directory of a demo that was started before; its path is short, as there are sockets in it."""
    with tempfile.TemporaryDirectory(prefix="demo-") as place:
        yield Path(shutil.copytree(first_start.var, Path(place) / "var"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser."""
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a browser that has no cookies yet."""
    with browser.new_context() as context:
        page = context.new_page()
        page.set_default_timeout(15_000)
        yield page
