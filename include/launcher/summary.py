"""The run card on one screen of a terminal."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import Console

GATE_STYLES = {"pass": "green", "warn": "yellow", "fail": "bold red"}
METRICS = ("macro_f1", "balanced_accuracy", "accuracy")
SLOWEST = 5
# So many passes of one gate are told as one; each is on the card.
UNREMARKABLE = 4


def print_summary(console: Console, card: Mapping[str, Any], path: Path) -> None:
    """Print `card`, whatever parts of it a run that failed has left out.

    :param path: of the card's JSON; the page for people lies beside it
    """
    failed = card.get("status") == "failed"
    console.print()
    console.print(
        f"[bold]Run {card['run_key']}[/bold]  " + ("[bold red]failed" if failed else "[green]success")
    )
    _print_data(console, card.get("data") or {})
    _print_gates(console, card.get("gates") or [])
    _print_contenders(console, card)
    _print_jobs(console, card)
    _print_time(console, card.get("timings") or {})
    _print_verdict(console, card)
    if card.get("failure"):
        _print_failure(console, card["failure"])
    console.print(f"card      {path.with_name('card.html')}", soft_wrap=True)


def _print_data(console: Console, data: Mapping[str, Any]) -> None:
    if data.get("rows_received") is None:
        return
    received, accepted, refused = (data[f"rows_{kind}"] for kind in ("received", "accepted", "refused"))
    console.print(f"data      {received:,} reviews received, {accepted:,} accepted, {refused:,} refused")
    rows = (data.get("datasets") or {}).get("rows")
    if rows:
        parts = ", ".join(f"{count:,} {side}" for side, count in rows.items())
        console.print(f"          {parts}")


def _print_gates(console: Console, gates: list[dict[str, Any]]) -> None:
    if not gates:
        return
    table = _table("Gates", "gate", "status", "observed")
    for (name, status), group in itertools.groupby(gates, key=lambda gate: (gate["gate"], gate["status"])):
        observed = [_shortened(gate.get("observed")) for gate in group]
        if status == "pass" and len(observed) > UNREMARKABLE:
            observed = [f"{len(observed)} checks, all as expected"]
        for words in observed:
            table.add_row(str(name), Text(str(status), style=GATE_STYLES.get(str(status), "")), Text(words))
    console.print(table)


def _print_contenders(console: Console, card: Mapping[str, Any]) -> None:
    models = {**(card.get("contenders") or {}), "live champion": card.get("champion")}
    tested = {name: model["test"] for name, model in models.items() if model and model.get("test")}
    if not tested:
        return
    rows = max(test["n"] for test in tested.values())
    table = _table(f"Scored on the same {rows:,} reviews, never trained on", "model")
    for metric in METRICS:
        table.add_column(metric.replace("_", " "), justify="right")
    table.add_column("95 % interval of macro F1", justify="right")
    winner = (card.get("verdict") or {}).get("winner")
    for name, test in tested.items():
        low, high = (test.get("intervals") or {}).get("macro_f1") or (float("nan"), float("nan"))
        style = "bold green" if name == winner else ""
        values = [f"{test[metric]:.3f}" for metric in METRICS]
        table.add_row(Text(name, style=style), *values, f"{low:.3f} to {high:.3f}")
    console.print(table)


def _print_jobs(console: Console, card: Mapping[str, Any]) -> None:
    jobs = card.get("jobs") or []
    # A job that an earlier try of this run has started is the run's own.
    own = card.get("run_key", "")
    reused = [job for job in jobs if job.get("outcome") == "reused" and job.get("owner") != own]
    if not jobs:
        return
    cost = card.get("cost") or {}
    console.print()
    console.print(
        f"jobs      {len(jobs) - len(reused)} run, {len(reused)} reused (the same inputs were done before); "
        f"on AWS about {cost.get('jobs_usd', 0):.2f} USD at list prices"
    )
    for job in reused:
        console.print(f"          reused {job['task']}: {job['name']}", style="dim", soft_wrap=True)


def _print_time(console: Console, timings: Mapping[str, float]) -> None:
    slowest = sorted(timings.items(), key=lambda item: -item[1])[:SLOWEST]
    if slowest:
        words = ", ".join(f"{task} {seconds:.0f} s" for task, seconds in slowest)
        console.print(f"slowest   {words}", soft_wrap=True)


def _print_verdict(console: Console, card: Mapping[str, Any]) -> None:
    verdict, endpoint = card.get("verdict") or {}, card.get("endpoint") or {}
    lines = []
    if verdict:
        lines.append(f"[bold]{verdict['winner']}[/bold] ({str(verdict['action']).replace('_', ' ')})")
        lines.append(escape(str(verdict["reason"])))
    if endpoint:
        count = len(endpoint.get("containers") or [])
        lines.append(
            f"endpoint [bold]{endpoint['name']}[/bold] {endpoint['status']}, {count} containers in series"
        )
    if lines:
        console.print(Panel("\n".join(lines), border_style="green"))


def _print_failure(console: Console, failure: Mapping[str, Any]) -> None:
    lines = [f"{failure.get('code') or ''} {failure.get('title')} (task {failure.get('task')})".strip()]
    for key, words in (("observed", "observed"), ("expected", "expected"), ("remedy", "what to do")):
        if failure.get(key):
            lines.append(f"{words}: {failure[key]}")
    console.print(Panel(Text("\n".join(lines)), border_style="red"))


def _table(title: str, *columns: str) -> Table:
    table = Table(box=None, pad_edge=False, title=f"\n{title}", title_justify="left", title_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _shortened(value: Any, limit: int = 160) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
