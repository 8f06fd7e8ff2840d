"""What a person does in Airflow's UI with the mouse: decide on a model, roll back."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from sentiment_retrain.cards.paths import DAG_ID

if TYPE_CHECKING:
    from playwright.sync_api import Page


def picture(page: Page, name: str) -> None:
    """Keep what is on the screen, where the environment variable ``PICTURES`` names a folder."""
    folder = os.environ.get("PICTURES")
    if folder:
        page.screenshot(path=str(Path(folder) / f"{name}.png"))


def open_question(page: Page, run_id: str) -> None:
    """From Airflow's menu to the question that a run waits with."""
    page.get_by_role("button", name="Browse").click()
    page.get_by_role("menuitem", name="Required Actions").click()
    row = page.get_by_role("row").filter(has_text=run_id)
    row.get_by_role("link", name=re.compile("^Deploy .+ to .+\\?$")).wait_for()
    picture(page, "required-actions")
    row.get_by_role("link", name=re.compile("^Deploy ")).click()
    page.get_by_test_id("hitl-option-Approve").wait_for()
    page.get_by_text("Without a decision until").wait_for()
    picture(page, "question")


def answer(page: Page, option: str) -> None:
    """Press the button of the question that is on the screen."""
    page.get_by_test_id(f"hitl-option-{option}").click()
    # Airflow then shows who answered, and the buttons for no second answer.
    page.get_by_text("Response received at").wait_for()
    assert page.get_by_test_id(f"hitl-option-{option}").is_disabled()
    picture(page, "answered")


def follow_the_card(page: Page, run_id: str, runs: int) -> None:
    """From a Dag run to its card, to the timeline, back to the card, and out of the frame to the DAG.

    :param runs: how many of them the timeline has
    """
    page.get_by_role("link", name="Run card").click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name="Live now").wait_for()
    picture(page, "card")
    frame.get_by_role("link", name="Timeline").click()
    frame.get_by_role("heading", name="Model timeline").wait_for()
    assert frame.locator("#runs tbody tr").count() == runs
    picture(page, "timeline")
    frame.locator(f'#runs tbody a[href*="{run_id}"]').first.click()
    frame.get_by_role("heading", name="Gates", exact=True).wait_for()
    frame.get_by_role("link", name="Roll back").click()
    page.wait_for_url(f"**/dags/{DAG_ID}")


def trigger_rollback(page: Page) -> str:
    """Fill in the DAG's form as a person does, on the page of the DAG, and send it; the run that it made."""
    page.get_by_test_id("trigger-dag-button").click()
    form = page.get_by_role("dialog")
    form.get_by_text("rollback puts back what was live before").wait_for()
    form.get_by_role("combobox", name="Mode").click()
    form.get_by_role("option", name="rollback", exact=True).click()
    form.locator('input[name="element_mode"][value="rollback"]').wait_for(state="attached")
    picture(page, "form")
    with page.expect_response(lambda sent: sent.request.method == "POST" and "dagRuns" in sent.url) as sent:
        form.get_by_test_id("trigger-dag-submit").click()
    assert sent.value.ok, sent.value.text()
    return str(sent.value.json()["dag_run_id"])
