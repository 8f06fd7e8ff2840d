"""Pages of cards that are old, broken or without figures, and of addresses that lead nowhere."""

from __future__ import annotations

import asyncio
import datetime as dt
import html
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from sentiment_retrain import naming
from sentiment_retrain.cards import report, timeline
from sentiment_retrain.cards.paths import DAG_ID
from sentiment_retrain.pages.live import Live

from .. import sample_cards
from ..samples import settings

if TYPE_CHECKING:
    from fastapi import FastAPI

    from sentiment_retrain.pages.library import Library

# Airflow's own dependencies import Starlette's test client, which is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`")

PATH = f"/dags/{DAG_ID}"
DAY = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


def a_card(run_id: str, **changes: Any) -> dict[str, Any]:
    card = report.build_card(
        sample_cards.whole_run(),
        run_key=naming.run_key(DAG_ID, run_id, DAY.date()),
        run_id=run_id,
        created_at="2026-11-22T16:00:00+00:00",
    )
    return {**card, **changes}


class Shelf:
    """A library of these cards, whose runs Airflow has forgotten."""

    def __init__(self, *cards: dict[str, Any]) -> None:
        self.cards = {str(card["run_key"]): card for card in cards}
        self.settings = settings()

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        return [timeline.summarize(card) for card in self.cards.values()]

    def timeline(self, dag_id: str) -> timeline.Timeline:
        return timeline.Timeline(self.runs(dag_id), [])

    def card(self, run_key: str) -> dict[str, Any] | None:
        return self.cards.get(run_key)

    def figures(self, run_key: str, page: str) -> dict[str, list[Any]]:
        return {}

    def reviews(self, run_key: str) -> dict[str, Any]:
        return {"rows": 0, "labels": {"-1": 0, "0": 0, "1": 0}, "categories": [], "words": None}

    def live(self) -> Live:
        return Live(endpoint_name="sentiment-retrain")


@pytest.fixture
def get(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Asks an app of these cards for an address, as somebody who may see everything."""
    from airflow.api_fastapi.common.db.common import _get_session

    from sentiment_retrain.pages import app as pages

    monkeypatch.setattr(pages, "requires_access_dag", lambda *_: lambda: None)

    def ask(path: str, *cards: dict[str, Any], library: Any = None) -> httpx.Response:
        app: FastAPI = pages.build_app(cast("Library", library or Shelf(*cards)))
        run = SimpleNamespace(logical_date=DAY, run_after=DAY, state="success")
        query = SimpleNamespace(first=lambda: run)
        app.dependency_overrides[_get_session] = lambda: SimpleNamespace(execute=lambda _: query)

        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
                return await client.get(path)

        return asyncio.run(send())

    return ask


def is_a_page(answer: httpx.Response) -> bool:
    return "<h1>" in answer.text and "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"contenders": "none"}, "$.contenders: 'none' is not of type 'object'"),
        ({"gates": [{"gate": "budget"}]}, "$.gates[0]"),
        ({"created_at": 5}, "$.created_at: 5 is not of type 'string'"),
    ],
)
@pytest.mark.parametrize("page", ["card", "compare?with=b"])
def test_a_broken_card_is_said_to_be_broken(get: Any, page: str, changes: dict[str, Any], said: str) -> None:
    class Apart(Shelf):
        def runs(self, dag_id: str) -> list[dict[str, Any]]:
            return []

    found = get(f"{PATH}/runs/a/{page}", library=Apart(a_card("a", **changes), a_card("b")))
    assert found.status_code == 500
    assert is_a_page(found)
    assert "SR-DATA-003" in found.text
    assert said in html.unescape(found.text)
    assert "task report" in found.text
    assert found.headers["cache-control"] == "no-store"


def test_a_card_of_an_earlier_version_is_a_page(get: Any) -> None:
    old = {
        key: value for key, value in a_card("b").items() if key not in ("mode", "region", "plan", "approval")
    }
    assert report.card_problems(old) == []
    found = get(f"{PATH}/runs/b/card", a_card("a"), old)
    assert found.status_code == 200
    assert "Compare with" in found.text


def test_a_metric_that_could_not_be_computed_has_no_interval(get: Any) -> None:
    card = a_card("a")
    test = card["contenders"]["autopilot"]["test"]
    test["macro_f1"], test["intervals"]["macro_f1"] = None, [None, None]
    card["contenders"]["blazingtext"]["test"]["intervals"] = None
    for page in ("runs/a/card", "runs/a/compare?with=b", "timeline"):
        found = get(f"{PATH}/{page}", card, a_card("b"))
        assert found.status_code == 200, page
        assert "None" not in re.sub(r"<style>.*?</style>", "", found.text, flags=re.DOTALL)


@pytest.mark.parametrize("cards", [[], [a_card("a")]])
def test_cards_that_cannot_be_read_are_named_on_the_timeline(get: Any, cards: list[dict[str, Any]]) -> None:
    class Damaged(Shelf):
        def timeline(self, dag_id: str) -> timeline.Timeline:
            return timeline.Timeline(self.runs(dag_id), ["20261102-b<x", "20261103-c"])

    found = get(f"{PATH}/timeline", library=Damaged(*cards))
    assert found.status_code == 200
    assert "2 cards are left out" in found.text
    assert "20261102-b&lt;x" in found.text
    assert "left out" not in get(f"{PATH}/timeline", *cards).text


def test_what_nobody_foresaw_is_a_page_without_a_trace(get: Any) -> None:
    class Broken(Shelf):
        def live(self) -> Live:
            raise RuntimeError("secret words of a traceback")

    found = get(f"{PATH}/timeline", library=Broken(a_card("a")))
    assert found.status_code == 500
    assert is_a_page(found)
    assert "secret words" not in found.text
    assert found.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/nothing", 404, "Not Found"),
        (f"{PATH}/timeline?runs=many", 422, "runs: "),
        (f"{PATH}/timeline?only=<b>", 422, "only: "),
        (f"{PATH}/runs/a/compare", 422, "with: Field required"),
    ],
)
def test_an_address_that_is_none_is_answered_by_a_page(get: Any, path: str, status: int, said: str) -> None:
    found = get(path, a_card("a"))
    assert found.status_code == status
    assert is_a_page(found)
    assert said in found.text
    assert f'href="{PATH}/timeline"' in found.text


@pytest.mark.parametrize("page", ["reviews", "runs/a/reviews"])
def test_the_navigation_leads_nowhere_that_is_missing(get: Any, page: str) -> None:
    class Unread(Shelf):
        def reviews(self, run_key: str) -> None:  # type: ignore[override]
            return None

        def newest_reviews(self, dag_id: str) -> None:
            return None

    found = get(f"{PATH}/{page}", library=Unread(a_card("a")))
    assert (found.status_code, is_a_page(found)) == (200, True)
    assert "There is nothing here yet" in found.text
    assert "check.drift" in found.text


def test_every_page_has_a_title_of_its_own(get: Any) -> None:
    cards = a_card("a"), a_card("b")
    pages = ("timeline", "runbook/SR-GATE-001", *(f"runs/{run}/{page}" for run in "ab" for page in _OF_A_RUN))
    titles = [re.findall("<title>(.*?)</title>", get(f"{PATH}/{page}", *cards).text)[0] for page in pages]
    assert len(set(titles)) == len(pages), titles


_OF_A_RUN = ("card", "reviews", "compare?with=a")
