"""The FastAPI app of the pages.

Airflow mounts a plugin's app as it is, without any login. Here the whole app depends on Airflow's own
permission to see the runs of the DAG that the address names, so that no page can be added without it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

# FastAPI reads the annotations of routes when it is given them, so these are needed at run time.
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.common.db.common import SessionDep  # noqa: TC002 - see above
from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.models.dagrun import DagRun
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from starlette.exceptions import HTTPException as StarletteHTTPException

from sentiment_retrain import naming
from sentiment_retrain.cards import card_html, comparison, plots
from sentiment_retrain.errors import RetrainError
from sentiment_retrain.pages import responses, runbook, timeline_chart, timeline_rows
from sentiment_retrain.pages.library import Library
from sentiment_retrain.verdict.selection import METRIC_NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sentiment_retrain.cards.paths import Links
    from sentiment_retrain.pages.live import Live

#: Runs that the timeline shows before it is asked for more.
RUNS_SHOWN = 200
#: Rows of its table that are not folded away: on a phone two hundred are a long way.
ROWS_OPEN = 30
#: States in which Airflow does nothing more for a run.
_ENDED = frozenset({"success", "failed"})

Other = Annotated[str, Query(alias="with", description="run id")]
Shown = Annotated[int, Query(alias="runs", ge=1, le=1000)]


def build_app(library: Library | None = None) -> FastAPI:
    """The app with all its pages.

    :param library: where the pages read, None for the installation's bucket
    """
    app = FastAPI(
        title="Sentiment Retrain",
        dependencies=[Depends(requires_access_dag("GET", DagAccessEntity.RUN))],
        # FastAPI's own pages would be open to everybody.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.library = library or Library()
    app.middleware("http")(responses.with_headers)
    # Starlette's own too, which it raises for an address that no route has.
    app.exception_handler(StarletteHTTPException)(responses.refused)
    app.exception_handler(RequestValidationError)(responses.misspelt)
    app.exception_handler(RetrainError)(responses.failed)
    app.get("/dags/{dag_id}/timeline", response_class=HTMLResponse)(timeline_page)
    app.get("/dags/{dag_id}/reviews", response_class=HTMLResponse)(newest_reviews_page)
    app.get("/dags/{dag_id}/runs/{run_id:path}/card", response_class=HTMLResponse)(card_page)
    app.get("/dags/{dag_id}/runbook/{code}", response_class=HTMLResponse)(runbook_page)
    app.get("/dags/{dag_id}/runs/{run_id:path}/compare", response_class=HTMLResponse)(compare_page)
    app.get("/dags/{dag_id}/runs/{run_id:path}/reviews", response_class=HTMLResponse)(reviews_page)
    app.get("/dags/{dag_id}/runs/{run_id:path}/jobs/{kind}/{name}", response_class=HTMLResponse)(job_page)
    return app


def timeline_page(
    request: Request,
    dag_id: str,
    shown: Shown = RUNS_SHOWN,
    only: timeline_rows.Only = "all",
    order: timeline_rows.Order = "newest",
) -> str:
    """All runs of the DAG; ``only`` and ``order`` are of the table."""
    library, links = _library(request), responses.links_to(request, dag_id)
    every, unreadable = library.timeline(dag_id)
    runs = every[-shown:]
    older = len(every) - len(runs)
    limits = library.settings.gates.drift.model_dump()
    return responses.page(
        "page_timeline.html.j2",
        links,
        "timeline",
        live=_live(library, every, links, None),
        runs=timeline_rows.chosen(timeline_rows.rows(runs, links.card_of), only, order),
        only=only,
        order=order,
        shown=shown,
        choices=timeline_rows.choices(runs),
        rows_open=ROWS_OPEN,
        unreadable=unreadable,
        totals=timeline_rows.totals(every),
        latest=timeline_rows.latest_scored(every),
        chart=timeline_chart.chart(runs, links.card_of, limits) if runs else None,
        hidden={"number": older, "more": min(older, RUNS_SHOWN), "next": min(1000, shown + RUNS_SHOWN)}
        if older
        else None,
        metric_names=METRIC_NAMES,
    )


def card_page(request: Request, session: SessionDep, dag_id: str, run_id: str) -> str:
    """The card of a run."""
    library, links = _library(request), responses.links_to(request, dag_id, run_id)
    run_key, state = _run(session, library, dag_id, run_id)
    card = _card(library, dag_id, run_key)
    figures = library.figures(run_key, "card")
    runs = library.runs(dag_id)
    shown = {
        "live": _live(library, runs, links, run_key),
        "others": comparison.others(runs, run_key),
        "still": state if state and state not in _ENDED else None,
        "figures_kept": bool(figures),
    }
    with responses.made_of(card):
        return responses.page(
            "page_card.html.j2", links, "card", **shown, **card_html.card_values(card, figures)
        )


def compare_page(request: Request, session: SessionDep, dag_id: str, run_id: str, other: Other) -> str:
    """Two runs beside each other, the other one first."""
    library, links = _library(request), responses.links_to(request, dag_id, run_id)
    names = (other, run_id)
    before, now = (_card(library, dag_id, _run(session, library, dag_id, name)[0]) for name in names)
    paths = [links.card_of(name) for name in names]
    with responses.made_of(before, now):
        pair = comparison.compare(before, now)
        return responses.page("page_compare.html.j2", links, "compare", pair=pair, paths=paths)


def runbook_page(request: Request, dag_id: str, code: str) -> str:
    """What to do about an error code, for where the cards' own links lead nowhere."""
    entry = runbook.entry(code)
    if entry is None:
        raise HTTPException(404, f"The runbook has no entry {code}, or is not on this machine.")
    return responses.page("page_runbook.html.j2", responses.links_to(request, dag_id), "runbook", entry=entry)


def newest_reviews_page(request: Request, dag_id: str) -> str:
    """The reviews that the newest run looked at."""
    library = _library(request)
    found = library.newest_reviews(dag_id)
    if found is None:
        return responses.nothing_yet(
            responses.links_to(request, dag_id),
            "reviews",
            "No run has looked at its reviews yet; the task check.drift does that.",
        )
    run, reviews = found
    return _reviews(library, responses.links_to(request, dag_id), run["run_id"], run["run_key"], reviews)


def reviews_page(request: Request, session: SessionDep, dag_id: str, run_id: str) -> str:
    """The reviews that one run looked at."""
    library = _library(request)
    run_key, _ = _run(session, library, dag_id, run_id)
    found = library.reviews(run_key)
    if found is None:
        words = f"{run_id} has not looked at its reviews; its task check.drift does that."
        return responses.nothing_yet(responses.links_to(request, dag_id, run_id), "reviews", words)
    return _reviews(library, responses.links_to(request, dag_id, run_id), run_id, run_key, found)


def job_page(request: Request, dag_id: str, run_id: str, kind: str, name: str) -> str:
    """State and log of a job, asked of SageMaker and CloudWatch."""
    job = _library(request).job(kind, name)
    if job is None:
        raise HTTPException(404, f"There is no {kind} {name} that a run of this project made.")
    return responses.page("page_job.html.j2", responses.links_to(request, dag_id, run_id), "job", job=job)


def _card(library: Library, dag_id: str, run_key: str) -> Mapping[str, Any]:
    card = library.card(run_key)
    if card is None or card.get("dag_id") not in (dag_id, None):
        raise HTTPException(404, "The task report writes the card when the run's other tasks have ended.")
    return card


def _reviews(library: Library, links: Links, run_id: str, run_key: str, found: dict[str, Any]) -> str:
    figures = library.figures(run_key, "reviews")
    names = ("reviews", "sentiment", "shares", "words")
    return responses.page(
        "page_reviews.html.j2",
        links,
        "reviews",
        run_id=run_id,
        found=found,
        figures={name: figures.get(name, []) for name in names},
        label_names=plots.LABEL_NAMES,
    )


def _run(session: Any, library: Library, dag_id: str, run_id: str) -> tuple[str, str | None]:
    """Where the run's things are, and its state; None where Airflow has forgotten the run."""
    query = select(DagRun.logical_date, DagRun.run_after, DagRun.state)
    run = session.execute(query.where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)).first()
    if run:
        day = (run.logical_date or run.run_after).astimezone(dt.UTC).date()
        return naming.run_key(dag_id, run_id, day), str(run.state)
    for known in library.runs(dag_id):
        if known["run_id"] == run_id:
            return str(known["run_key"]), None
    raise HTTPException(404, f"Airflow knows no run {run_id} of {dag_id}.")


def _live(library: Library, runs: list[dict[str, Any]], links: Links, run_key: str | None) -> Live:
    """What serves now, with the way to the run that made it."""
    live = library.live()
    made_by = (live.champion or {}).get("run_key")
    run = next((run for run in runs if run["run_key"] == made_by), None)
    path = links.card_of(run["run_id"]) if run else None
    return replace(live, card_path=path, is_this_run=bool(made_by) and made_by == run_key)


def _library(request: Request) -> Library:
    found: Library = request.app.state.library
    return found
