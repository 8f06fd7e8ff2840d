"""Addresses survive run ids of every kind and a path prefix before Airflow."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from sentiment_retrain.cards.paths import EXTERNAL_VIEWS, PREFIX, Links

RUN_ID = "manual__2026-11-22T19:11:37.5+00:00/ä?x#y%2F"


@pytest.mark.parametrize("airflow", ["", "/team/airflow"])
def test_links_stay_under_the_prefix_that_airflow_has(airflow: str) -> None:
    links = Links(airflow + PREFIX, "dag", RUN_ID)
    assert links.timeline == f"{airflow}/sentiment-retrain/dags/dag/timeline"
    assert links.dag == f"{airflow}/dags/dag"
    assert links.sign_in("/a?b=c&d") == f"{airflow}/api/v2/auth/login?next=%2Fa%3Fb%3Dc%26d"


def test_a_run_id_stays_one_part_of_the_path() -> None:
    links = Links(PREFIX, "dag", RUN_ID)
    for address in (links.card, links.run, links.reviews):
        assert address is not None
        (part,) = [part for part in address.split("/") if part.startswith("manual")]
        assert unquote(part) == RUN_ID
        assert not {"?", "#"} & set(address)


def test_without_a_run_there_is_no_card() -> None:
    links = Links(PREFIX, "dag")
    assert (links.card, links.run) == (None, None)
    assert links.reviews == f"{PREFIX}/dags/dag/reviews"


def test_routes_of_external_views_are_unique() -> None:
    routes = [view["url_route"] for view in EXTERNAL_VIEWS]
    assert len(set(routes)) == len(routes)
