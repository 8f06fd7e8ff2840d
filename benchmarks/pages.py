"""How long the timeline of many runs and a card take to load, beside Airflow's own grid page in the same
browser, and how much goes over the wire.

Needs `make up` and Chromium. Puts cards of made-up runs into the stand-in's bucket (under `runs/`), so use an
installation of its own: SENTIMENT_RETRAIN_LOCAL=/tmp/pages make up.

    SENTIMENT_RETRAIN_LOCAL=/tmp/pages .venv/bin/python benchmarks/pages.py --runs 200
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[:0] = [
    str(CHECKOUT / folder)
    for folder in ("tests", "tests/localaws", "include", "plugins", "include/containers")
]
sys.path.append(str(CHECKOUT / "include/containers/adapter"))

import httpx  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

from browser.world import FIRST_DAY, World  # noqa: E402
from launcher import airflow, localaws, processes  # noqa: E402
from launcher.places import Places  # noqa: E402
from sentiment_retrain.aws.hooks import Aws  # noqa: E402
from sentiment_retrain.cards.paths import DAG_ID  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

RUN_ID = "benchmark"
#: Selector that is there once the page shows its data.
PAGES = {
    "Airflow's grid": (f"/dags/{DAG_ID}", "[data-testid^='grid-'], [id^='grid-']"),
    "timeline": (f"/sentiment-retrain/dags/{DAG_ID}/timeline", "#runs tbody tr:nth-child(30)"),
    "card": (f"/sentiment-retrain/dags/{DAG_ID}/runs/{RUN_ID}/card", "#time tbody tr"),
}

OURS = ("timeline", "card")


def load_seconds(context: BrowserContext, address: str, shown: str) -> float:
    """From the navigation until the data is on the page, in a fresh tab of a warm browser."""
    page = context.new_page()
    began = time.monotonic()
    page.goto(address, wait_until="commit")
    page.locator(shown).first.wait_for(timeout=120_000)
    seconds = time.monotonic() - began
    page.close()
    return seconds


def main() -> None:
    """Put the history there, load both pages in turn, print medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=7)
    options = parser.parse_args()
    places = Places.here()
    server, stand_in = processes.find(places, airflow.API_SERVER), localaws.require_running(places)
    if server is None:
        sys.exit("Airflow is not running: make up")
    os.environ.update(localaws.client_environment(stand_in.url))
    world = World(places, server.url, Aws(localaws.REGION), {})
    world.put_run(RUN_ID, FIRST_DAY)
    world.put_history(options.runs)
    credentials = {"username": airflow.USER, "password": airflow.password(places)}
    token = httpx.post(f"{server.url}/auth/token", json=credentials, timeout=60).json()["access_token"]
    taken: dict[str, list[float]] = {name: [] for name in PAGES}
    with sync_playwright() as driver:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_cookies([{"name": "_token", "value": token, "url": server.url}])
        for number in range(options.repeat + 1):
            for name, (path, shown) in PAGES.items():
                seconds = load_seconds(context, server.url + path, shown)
                # The first look fills caches, of the browser too.
                if number:
                    taken[name].append(seconds)
        browser.close()
    # Airflow's own page is an application that asks for its data later.
    for name in OURS:
        path, _ = PAGES[name]
        answer = httpx.get(server.url + path, cookies={"_token": token}, timeout=60)
        print(f"{name:<16} {answer.num_bytes_downloaded / 1024:.0f} kB over the wire")  # noqa: T201
    medians = {name: statistics.median(found) for name, found in taken.items()}
    for name, found in taken.items():
        print(f"{name:<16} median {medians[name]:.2f} s, from {min(found):.2f} to {max(found):.2f}")  # noqa: T201
    for name in OURS:
        ratio = medians[name] / medians["Airflow's grid"]
        print(f"{name}, with {options.runs} runs, takes {ratio:.2f} of the time of Airflow's grid")  # noqa: T201


if __name__ == "__main__":
    main()
