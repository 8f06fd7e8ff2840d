"""The pages in a real Airflow: who may see them, what a browser makes of them, and what hostile text does."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from sentiment_retrain.cards.paths import DAG_ID

from . import people
from .kinds import KINDS
from .world import ATTACK

if TYPE_CHECKING:
    from collections.abc import Callable

    from httpx import Client
    from playwright.sync_api import Page

    from .world import World

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

DEVICES = {"desktop": (1280, 900), "phone": (390, 844)}
#: Every page, and whether it is one of a run.
PAGES = {"timeline": False, "reviews": False, "card": True, "run's reviews": True}


def path_of(world: World, name: str, run_id: str) -> str:
    return world.page(name.removeprefix("run's "), run_id if PAGES[name] else None)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize(("user", "status"), [(None, 401), ("viewer", 200), ("admin", 200)])
def test_a_page_is_for_those_who_may_see_the_dag(
    world: World, run_id: str, name: str, user: str | None, status: int
) -> None:
    with world.client(user) as client:
        answer = client.get(path_of(world, name, run_id))
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert ("macro F1" in answer.text or "Reviews per category" in answer.text) == (status == 200)


def test_a_made_up_token_opens_nothing(world: World, run_id: str) -> None:
    with world.client(None) as client:
        client.cookies.set("_token", "x.y.z")
        answer = client.get(path_of(world, "card", run_id))
    assert answer.status_code in (401, 403)
    assert "macro F1" not in answer.text


def test_the_way_to_the_login_leads_back(world: World) -> None:
    with world.client(None) as client:
        answer = client.get(world.page("timeline") + "?runs=5")
    (link,) = re.findall(r'href="([^"]*auth/login[^"]*)"', answer.text)
    assert link.endswith("next=%2Fsentiment-retrain%2Fdags%2Freview_sentiment_retrain%2Ftimeline%3Fruns%3D5")


def test_framework_pages_are_not_open(world: World) -> None:
    with world.client(None) as client:
        statuses = [
            client.get(f"/sentiment-retrain/{name}").status_code for name in ("docs", "openapi.json", "redoc")
        ]
    assert statuses == [404, 404, 404]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("dags/review_sentiment_retrain/runs/never_was/card", 404),
        ("dags/review_sentiment_retrain/runs/..%2F..%2Fplan/card", 404),
        ("dags/another_dag/runs/x/card", 404),
        ("dags/review_sentiment_retrain/runs/x/jobs/TrainingJob/not-ours", 404),
        ("dags/review_sentiment_retrain/runs/x/jobs/Bucket/not-ours", 404),
        ("dags/review_sentiment_retrain/timeline?runs=0", 422),
        ("dags/review_sentiment_retrain/timeline?runs=1000000", 422),
        ("nothing", 404),
    ],
)
def test_addresses_that_lead_nowhere(world: World, path: str, status: int) -> None:
    with world.client("admin") as client:
        assert client.get(f"/sentiment-retrain/{path}").status_code == status


@pytest.mark.parametrize(("user", "status"), [(None, 401), ("viewer", 200)])
def test_a_job_of_a_run_is_shown_and_nothing_else_of_the_account(
    world: World, run_id: str, user: str | None, status: int
) -> None:
    jobs = world.page("jobs", run_id)
    with world.client(user) as client:
        ours = client.get(f"{jobs}/Endpoint/{world.put_endpoint('ours', 'retrain:run')}")
        theirs = client.get(f"{jobs}/Endpoint/{world.put_endpoint('theirs', 'team')}")
    assert ours.status_code == status
    assert ("Made by run" in ours.text) == (status == 200)
    assert theirs.status_code == (404 if status == 200 else status)
    assert "Made by run" not in theirs.text


def test_another_dag_has_none_of_our_runs(world: World) -> None:
    with world.client("admin") as client:
        answer = client.get("/sentiment-retrain/dags/another_dag/timeline")
    assert answer.status_code == 200
    assert "No run has finished yet" in answer.text


@pytest.mark.parametrize("name", PAGES)
def test_hostile_text_is_only_text(
    world: World, run_id: str, name: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(path_of(world, name, run_id))
    assert page.title() != "owned"
    assert page.locator("img").count() == 0
    if name != "timeline":
        assert ATTACK[:20] in page.locator("body").inner_text()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_the_screen_and_follow_the_scheme(
    world: World, run_id: str, open_page: Callable[..., Page], name: str, device: str, scheme: str
) -> None:
    width, height = DEVICES[device]
    problems: list[Any] = []
    page = open_page(
        "/sentiment-retrain/nothing", viewport={"width": width, "height": height}, color_scheme=scheme
    )
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("requestfailed", lambda request: problems.append(request.url))
    page.goto(world.url + path_of(world, name, run_id))
    assert page.evaluate("document.documentElement.scrollWidth") == width
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == {"light": "rgb(243, 245, 247)", "dark": "rgb(14, 21, 27)"}[scheme]
    assert problems == []


@pytest.mark.parametrize("name", PAGES)
def test_pages_speak_to_those_who_do_not_see(
    world: World, run_id: str, open_page: Callable[..., Page], name: str
) -> None:
    page = open_page(path_of(world, name, run_id))
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("h1").count() == 1
    assert page.locator("main").count() == 1
    assert page.locator("svg[role=img]:not([aria-label])").count() == 0
    assert page.locator("th:not([scope])").count() == 0
    identifiers = page.eval_on_selector_all("[id]", "found => found.map(one => one.id)")
    assert len(identifiers) == len(set(identifiers))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"


def test_from_the_run_to_the_card_to_the_timeline_and_back_to_airflow(
    world: World, run_id: str, open_page: Callable[..., Page]
) -> None:
    page = open_page(f"/dags/{DAG_ID}/runs/{run_id}")
    page.get_by_role("link", name="Run card").click()
    frame = page.frame_locator("iframe")
    assert "goes live" in (frame.locator("h1").text_content() or "")
    assert frame.get_by_role("heading", name="The endpoint after this run, and how to go back").is_visible()

    frame.get_by_role("link", name="Timeline").click()
    frame.get_by_role("heading", name="Model timeline").wait_for()
    assert frame.locator("#runs tbody tr").count() == 12 + len(KINDS)

    frame.locator("#runs tbody tr").nth(3).get_by_role("link").click()
    frame.get_by_role("heading", name="Gates", exact=True).wait_for()

    frame.get_by_role("link", name="Roll back").click()
    # Not inside the frame: Airflow itself shows the DAG, with its button.
    page.wait_for_url(f"{world.url}/dags/{DAG_ID}")
    back = people.trigger_rollback(page)
    with world.client("viewer") as client:
        made = client.get(f"/api/v2/dags/{DAG_ID}/dagRuns/{back}").json()
    assert (made["conf"]["mode"], made["conf"]["rollback_to"], made["state"]) == ("rollback", None, "queued")
    # Nobody schedules here; test_people_act.py sees the endpoint go back.
    page.goto(f"{world.url}/dags/{DAG_ID}/runs/{back}")
    page.get_by_text("Queued").first.wait_for()


def test_a_run_is_made_while_its_dag_is_unpaused(world: World) -> None:
    """Airflow's form sends both at once; each writes, and SQLite lets one write at a time."""
    made = {"dag_run_id": "at-once", "logical_date": None}
    with world.client("admin") as client, ThreadPoolExecutor() as pool:
        logged, began = len(_patches(client)), time.monotonic()
        sent = [pool.submit(client.post, f"/api/v2/dags/{DAG_ID}/dagRuns", json=made)]
        for paused in (True, False) * 15:
            sent.append(pool.submit(client.patch, f"/api/v2/dags/{DAG_ID}", json={"is_paused": paused}))
            time.sleep(0.01)
        statuses = [answer.result().status_code for answer in sent]
        took = time.monotonic() - began
        assert statuses == [200] * len(sent), f"after {took:.0f} s"
        # Who asked for what is written soon after.
        deadline = time.monotonic() + 60
        while len(_patches(client)) < logged + 30 and time.monotonic() < deadline:
            time.sleep(0.2)
        assert len(_patches(client)) == logged + 30
        client.patch(f"/api/v2/dags/{DAG_ID}", json={"is_paused": True}).raise_for_status()


def _patches(client: Client) -> list[dict[str, Any]]:
    rows = client.get("/api/v2/eventLogs", params={"dag_id": DAG_ID, "event": "patch_dag", "limit": 100})
    return [row for row in rows.raise_for_status().json()["event_logs"] if row["owner"] == "admin"]


@pytest.mark.parametrize("option", ["Approve", "Reject"])
def test_the_question_of_a_run_is_answered_under_required_actions(
    world: World, open_page: Callable[..., Page], option: str
) -> None:
    asking = f"asks-{option.lower()}"
    world.create_run(asking)
    world.ask(asking)
    page = open_page("/")

    people.open_question(page, asking)
    people.answer(page, option)

    path = f"/api/v2/dags/{DAG_ID}/dagRuns/{asking}/taskInstances/approve/-1/hitlDetails"
    with world.client("viewer") as client:
        answered = client.get(path).json()
    assert answered["chosen_options"] == [option]
    assert answered["responded_by_user"]["name"] == "admin"


def test_who_may_only_look_answers_no_question(world: World) -> None:
    world.create_run("asks-nobody")
    world.ask("asks-nobody")
    path = f"/api/v2/dags/{DAG_ID}/dagRuns/asks-nobody/taskInstances/approve/-1/hitlDetails"
    with world.client("viewer") as client:
        answer = client.patch(path, json={"chosen_options": ["Approve"], "params_input": {}})
        assert answer.status_code == 403
        assert client.get(path).json()["chosen_options"] is None


def test_menu_leads_to_the_timeline_and_the_reviews(world: World, open_page: Callable[..., Page]) -> None:
    page = open_page("/plugin/sentiment-timeline")
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name="Model timeline").wait_for()
    frame.get_by_role("link", name="Reviews").click()
    frame.get_by_role("heading", name="Words per review").wait_for()
