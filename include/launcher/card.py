"""The run card, brought home from the bucket, and the summary of it that a person reads in a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from launcher import localaws
from launcher.failures import RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from launcher.places import Places

GATE_STYLES = {"pass": "green", "warn": "yellow", "fail": "bold red"}


def bring_home(places: Places, aws_url: str) -> Path:
    """Copy the newest run's card to `.local/runs/<run_key>/`; return the path of its `card.json`.

    :raises ClientError: there is no card yet
    """
    s3 = localaws.client("s3", aws_url)
    latest = json.loads(s3.get_object(Bucket=localaws.BUCKET, Key="runs/latest.json")["Body"].read())
    home: Path = places.runs / str(latest["run_key"])
    home.mkdir(parents=True, exist_ok=True)
    for name in ("card.json", "card.html"):
        s3.download_file(localaws.BUCKET, f"runs/{latest['run_key']}/{name}", str(home / name))
    (places.runs / "latest").write_text(latest["run_key"])
    return home / "card.json"


def newest(places: Places, aws_url: str | None) -> Path:
    """The newest card: from the bucket where the stand-in runs, else the copy brought home last.

    :raises RefusedError: there is none
    """
    if aws_url:
        try:
            return bring_home(places, aws_url)
        except (ClientError, BotoCoreError):
            pass  # no run has finished on this stand-in; an earlier copy may still be at home
    pointer = places.runs / "latest"
    card: Path = places.runs / (pointer.read_text() if pointer.exists() else "none") / "card.json"
    if not card.exists():
        raise RefusedError("LOCAL_NO_CARD", "no run has finished here yet.", "Start one with `make run`.")
    return card


def print_summary(console: Console, card: dict[str, Any], path: Path) -> None:
    """The card on one screen."""
    _print_head(console, card)
    _print_gates(console, card.get("gates") or [])
    _print_contenders(console, card)
    _print_jobs(console, card)
    _print_verdict(console, card)
    console.print(f"card      {path.with_name('card.html')}", soft_wrap=True)


def _print_head(console: Console, card: dict[str, Any]) -> None:
    data = card.get("data") or {}
    console.print()
    console.print(Text(f"Run {card['run_key']}", style="bold"))
    received, accepted, refused = (data.get(f"rows_{kind}") for kind in ("received", "accepted", "refused"))
    if received is not None:
        console.print(f"data      {received:,} reviews received, {accepted:,} accepted, {refused:,} refused")


def _print_gates(console: Console, gates: list[dict[str, Any]]) -> None:
    if not gates:
        return
    table = Table(box=None, pad_edge=False, title="Gates", title_justify="left", title_style="bold")
    for heading in ("gate", "status", "observed", "threshold"):
        table.add_column(heading, overflow="fold")
    for gate in gates:
        status = str(gate["status"])
        table.add_row(
            str(gate["gate"]),
            Text(status, style=GATE_STYLES.get(status, "")),
            _short(gate.get("observed")),
            _short(gate.get("threshold")),
        )
    console.print(table)


def _print_contenders(console: Console, card: dict[str, Any]) -> None:
    contenders = {name: c for name, c in (card.get("contenders") or {}).items() if c and c.get("test")}
    if not contenders:
        return
    rows = next(iter(contenders.values()))["test"]["n"]
    table = Table(
        box=None, pad_edge=False, title=f"Contenders on the same {rows:,} reviews", title_justify="left"
    )
    table.title_style = "bold"
    table.add_column("")
    for heading in ("macro F1", "balanced accuracy", "accuracy", "95 % interval of macro F1"):
        table.add_column(heading, justify="right")
    winner = (card.get("verdict") or {}).get("winner")
    for name, contender in contenders.items():
        test = contender["test"]
        table.add_row(
            Text(name, style="bold green" if name == winner else ""),
            *(f"{test[metric]:.3f}" for metric in ("macro_f1", "balanced_accuracy", "accuracy")),
            _interval((test.get("intervals") or {}).get("macro_f1")),
        )
    console.print(table)


def _print_jobs(console: Console, card: dict[str, Any]) -> None:
    jobs = [job for job in card.get("jobs") or [] if job]
    reused = [job["name"] for job in jobs if job.get("outcome") == "reused"]
    if reused:
        console.print(
            f"reused    {len(reused)} of {len(jobs)} jobs had already been done for the same inputs:"
        )
        for name in reused:
            console.print(f"          {name}", style="dim", soft_wrap=True)


def _print_verdict(console: Console, card: dict[str, Any]) -> None:
    verdict, endpoint = card.get("verdict") or {}, card.get("endpoint") or {}
    lines = []
    if verdict:
        lines.append(f"{verdict.get('winner')} wins: {verdict.get('reason')}")
    if endpoint:
        containers = len(endpoint.get("containers") or [])
        lines.append(
            f"endpoint  {endpoint.get('name')}, {endpoint.get('status')}, {containers} containers in series"
        )
    if lines:
        console.print(Panel("\n".join(lines), border_style="green", expand=False))


def _interval(bounds: Any) -> str:
    if isinstance(bounds, dict):
        bounds = [bounds.get("low"), bounds.get("high")]
    return f"{bounds[0]:.3f} to {bounds[1]:.3f}" if bounds and None not in bounds else ""


def _short(value: Any, limit: int = 60) -> str:
    if value is None:
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
