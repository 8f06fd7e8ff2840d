"""Plans before money: asked of the project's own planner, shown as a table."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from launcher import airflow
from launcher.failures import LauncherError
from launcher.places import AIRFLOW_PYTHON, CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from launcher.places import Places

STYLES = {"reuse": "green", "run": "bold yellow", "unknown": "dim"}


def planned(
    aws_url: str, places: Places, days: Sequence[str], params: Mapping[str, Any], run_type: str
) -> list[dict[str, Any]]:
    """The `plan.json` of a run of each day, or its `error`; nothing is submitted or written.

    :raises LauncherError: the planner ended badly
    """
    environment = airflow.environment(places, "http://127.0.0.1:0", aws_url)
    environment["PYTHONPATH"] = os.pathsep.join([str(CHECKOUT / "plugins"), environment["PYTHONPATH"]])
    command = [str(AIRFLOW_PYTHON), "-m", "sentiment_retrain.dry_run", "--run-type", run_type]
    done = subprocess.run(
        [*command, "--params", json.dumps(dict(params)), *days],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise LauncherError(
            "LOCAL_PLAN",
            "the planner ended badly:\n" + "\n".join(done.stderr.splitlines()[-6:]),
            "The last lines say why; `make check` shows problems of the configuration.",
        )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def print_plan(console: Console, document: Mapping[str, Any]) -> None:
    """One plan as a table, or why there is none."""
    day = document["partition"]
    if "error" in document:
        error = document["error"]
        console.print(f"\n{day}  {error.get('code')}: {error.get('observed')}", style="red", markup=False)
        return
    sources = document["sources"]
    fresh = sum(not source["landed_partition"] for source in sources)
    console.print(f"\n{day}  source objects: {len(sources)}, not landed yet: {fresh}", highlight=False)
    table = Table(box=None, pad_edge=False)
    for name in ("step", "decision"):
        table.add_column(name, no_wrap=True)
    table.add_column("USD at most", justify="right", no_wrap=True)
    table.add_column("why", overflow="fold")
    for step in document["steps"]:
        bound = 0.0 if step["decision"] == "reuse" else step["bound_usd"]
        decision = Text(step["decision"], style=STYLES.get(step["decision"], ""))
        table.add_row(step["step"], decision, f"{bound:.2f}", Text(step["why"]))
    console.print(table)
    console.print(
        f"at most {document['cost_bound_usd']:.2f} USD of a budget of {document['budget_usd']:.2f} USD; "
        f"{_deploying(document)}",
        highlight=False,
    )


def _deploying(document: Mapping[str, Any]) -> str:
    """What the run would do to the endpoint; a backfill's `auto` is no promise to deploy."""
    if document["run_type"] == "backfill" and document["deploy"] != "force":
        return "deploys nothing (a backfill does so only with DEPLOY=force)"
    return f"deploy: {document['deploy']}"


def print_total(console: Console, documents: Sequence[Mapping[str, Any]], command: str) -> None:
    """The end of a dry run: what all plans cost at most, how many there are none of, and what to type."""
    bounds = [document["cost_bound_usd"] for document in documents if "error" not in document]
    without = len(documents) - len(bounds)
    console.print(
        f"\nDry run: {len(documents)} intervals, at most {sum(bounds):.2f} USD together"
        + (f", {without} of them without a plan and not counted" if without else "")
        + "; nothing was submitted.",
        highlight=False,
        soft_wrap=True,
    )
    # Days without a plan would fail in their first task.
    following = command if bounds else "docs/runbook.md has the codes; then this dry run again"
    console.print(f"next      {following}", highlight=False, soft_wrap=True)
