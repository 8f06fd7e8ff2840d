"""A page changes nothing, so that no other site can have a signed-in person change something through it."""

from __future__ import annotations

import pytest

# Airflow's own dependencies import Starlette's test client, which is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`")


def test_every_route_is_only_read() -> None:
    from sentiment_retrain.pages.app import build_app

    methods = {route.path: route.methods for route in build_app().routes}  # type: ignore[attr-defined]

    assert methods
    assert {path: found for path, found in methods.items() if not found <= {"GET", "HEAD"}} == {}


def test_no_folder_of_files_is_served() -> None:
    """Style and script are in the pages themselves: there is no path to leave."""
    from sentiment_retrain.pages.app import build_app

    kinds = {type(route).__name__ for route in build_app().routes}

    assert kinds == {"APIRoute"}


def test_what_a_browser_may_do_with_a_page() -> None:
    from sentiment_retrain.pages.responses import HEADERS

    policy = dict(part.strip().split(" ", 1) for part in HEADERS["Content-Security-Policy"].split(";"))

    assert policy["default-src"] == "'none'"
    # Our own script by its hash: neither inline scripts nor others', whatever text slips through.
    assert policy["script-src"].startswith("'sha256-")
    assert "unsafe" not in policy["script-src"]
    assert policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["frame-ancestors"] == "'self'"
    assert HEADERS["X-Content-Type-Options"] == "nosniff"
    assert HEADERS["Referrer-Policy"] == "same-origin"
    assert HEADERS["Cache-Control"] == "no-store"
