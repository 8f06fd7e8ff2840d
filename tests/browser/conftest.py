"""One Airflow for all tests of the pages, and a browser where there is one."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1]))

from sentiment_retrain.endpoint.history import PREVIOUS_TAG

from .kinds import KINDS, card_of
from .world import FIRST_DAY, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

RUN_ID = "manual__2026-11-22T16:00:00+00:00"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An installation with one run that Airflow knows, and others that only the bucket remembers."""
    before = dict(os.environ)
    made = World.start(tmp_path_factory.mktemp("pages").resolve())
    try:
        made.create_run(RUN_ID)
        made.put_history(11)
        for kind in KINDS:
            made.put_run(kind, FIRST_DAY - dt.timedelta(days=1), with_figures=False, **card_of(kind))
        # Whatever becomes of it: there is an endpoint, and something that was live before.
        made.put_endpoint("sentiment-retrain", PREVIOUS_TAG)
        # What Airflow dates a run without a logical date by.
        made.put_run(RUN_ID, dt.datetime.now(dt.UTC).date())
        yield made
    finally:
        made.stop()
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="session")
def run_id() -> str:
    """The run that Airflow knows."""
    return RUN_ID


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium as the system has it; a test that needs it is skipped where there is none.

    Not for the whole session: its driver leaves an event loop running, which later tests cannot have.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        # The sandbox of Chromium refuses to work for root, which is who runs tests in a container.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = driver.chromium.launch(executable_path=found, args=arguments)
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser, world: World) -> Iterator[Callable[..., Page]]:
    """Opens an address as a signed-in admin; options are those of Playwright's ``new_context``."""
    contexts = []

    def visit(path: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        context.add_cookies([{"name": "_token", "value": world.token("admin"), "url": world.url}])
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.goto(world.url + path)
        return page

    yield visit
    for context in contexts:
        context.close()
