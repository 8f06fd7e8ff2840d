"""A person decides on a model and rolls it back, in a real Airflow that runs the real DAG on the stand-in."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

sys.path.append(str(Path(__file__).resolve().parents[1] / "system"))
from installation import OVERLAY, Installation, balanced_slice

from launcher import airflow, first_data, processes
from launcher.places import Places
from launcher.rest import AirflowApi
from sentiment_retrain.cards.paths import DAG_ID

from . import people

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(2400),
    # Three runs of the whole DAG: too long for the default suite, where test_pages.py has the short form.
    pytest.mark.skipif(os.environ.get("DRILLS") != "long", reason="part of make drills"),
]

ENDPOINT = "sentiment-retrain"
WAIT_SECONDS = 900.0
# The first run has one contender, so that the second one, with the other, has something new to offer.
ONE_CONTENDER = {"defaults": {"contenders": ["blazingtext"]}}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Airflow, the stand-in, and BlazingText live after a first run."""
    directory = tmp_path_factory.mktemp("people").resolve()
    reviews = balanced_slice(first_data.ensure(Places.here()), directory / "reviews.csv")
    config = directory / "overlay.yaml"
    config.write_text(yaml.safe_dump(OVERLAY | ONE_CONTENDER))
    made = Installation(Places(directory / "local"), config)
    try:
        for command in (["up"], ["run", "--data", str(reviews)]):
            done = made.launch(*command)
            assert done.returncode == 0, done.stdout + done.stderr
        yield made
    finally:
        down = made.launch("down")
        assert down.returncode == 0, down.stderr


@pytest.fixture(scope="module")
def api(installation: Installation) -> Iterator[AirflowApi]:
    """Airflow's REST API, signed in."""
    server = processes.find(installation.places, airflow.API_SERVER)
    assert server is not None
    signed_in = AirflowApi(server.url, airflow.USER, airflow.password(installation.places))
    signed_in._http.timeout = httpx.Timeout(180)
    yield signed_in
    signed_in.close()


@pytest.fixture
def page(browser: Browser, api: AirflowApi) -> Iterator[Page]:
    """A window of somebody who is signed in."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    token = api._http.headers["Authorization"].removeprefix("Bearer ")
    context.add_cookies([{"name": "_token", "value": token, "url": api.url}])
    context.set_default_timeout(90_000)
    yield context.new_page()
    context.close()


def live(installation: Installation) -> str:
    """The configuration that the endpoint serves."""
    found = installation.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
    assert found["EndpointStatus"] == "InService"
    return str(found["EndpointConfigName"])


def wait_until(ready: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not ready():
        assert time.monotonic() < deadline, "nothing came of it"
        time.sleep(1)


def states(api: AirflowApi, run_id: str) -> dict[str, Any]:
    return {one["task_id"]: one["state"] for one in api.task_instances(DAG_ID, run_id)}


def wait_for_success(api: AirflowApi, run_id: str) -> None:
    wait_until(lambda: api.run_state(DAG_ID, run_id) in {"success", "failed"})
    assert api.run_state(DAG_ID, run_id) == "success", states(api, run_id)


def test_a_model_is_approved_and_rolled_back_with_the_mouse(
    installation: Installation, api: AirflowApi, page: Page
) -> None:
    before = live(installation)
    (first,) = api.runs(DAG_ID)
    run_id = "asks-a-person"
    wishes = {"contenders": ["autopilot"], "approval": "manual", "deploy": "force"}
    api.trigger(DAG_ID, run_id, wishes | {"source_uri": first["conf"]["source_uri"]})
    wait_until(lambda: states(api, run_id)["approve"] == "deferred")
    assert live(installation) == before

    page.goto(f"{api.url}/")
    people.open_question(page, run_id)
    people.answer(page, "Approve")

    wait_for_success(api, run_id)
    assert live(installation) != before
    assert states(api, run_id)["deploy.verify"] == "success"

    page.goto(f"{api.url}/dags/{DAG_ID}/runs/{run_id}")
    people.follow_the_card(page, run_id, runs=2)
    back = people.trigger_rollback(page)

    (newest, *_) = api.runs(DAG_ID)
    assert (newest["dag_run_id"], newest["conf"]["mode"]) == (back, "rollback")
    wait_for_success(api, back)
    assert live(installation) == before
    page.goto(f"{api.url}/dags/{DAG_ID}/runs/{back}")
    page.get_by_role("link", name="Run card").click()
    card = page.frame_locator("iframe")
    card.get_by_role("heading", name="Rolled back and pinned").wait_for()
    people.picture(page, "rolled-back")
    assert before in (card.locator("body").text_content() or "")
