"""What every page of the app has: its frame, its headers, and how it says that it cannot be shown."""

from __future__ import annotations

import base64
import hashlib
import logging
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi.responses import HTMLResponse
from jinja2 import TemplateError
from markupsafe import Markup

from sentiment_retrain.cards import report
from sentiment_retrain.cards.paths import DAG_ID, Links
from sentiment_retrain.cards.rendering import render
from sentiment_retrain.errors import ConfigError, ResultMalformed, RetrainError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from fastapi import Request
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException
    from starlette.responses import Response

log = logging.getLogger(__name__)

_SCRIPT = (Path(__file__).parents[1] / "templates" / "page.js").read_text(encoding="utf-8")
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
HEADERS = {
    # Matplotlib writes colours as style attributes, hence 'unsafe-inline' for styles; of scripts ours alone.
    "Content-Security-Policy": f"default-src 'none'; script-src 'sha256-{_SCRIPT_HASH}'; "
    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_TITLES = {401: "Sign in to see this page", 403: "This page is not for you", 404: "There is nothing here yet"}
_TEXTS = {
    401: "Airflow does not know you, or its session has ended.",
    403: "Your role in Airflow may not see the runs of this DAG.",
}


def links_to(request: Request, dag_id: str, run_id: str | None = None) -> Links:
    """Addresses under the prefix that this request came by."""
    return Links(request.scope.get("root_path", ""), dag_id, run_id)


def page(template: str, links: Links, name: str, **values: Any) -> str:
    """The HTML of a page.

    :param name: of the page among those that the navigation leads to
    """
    # Our own script, whose hash the policy names; escaped it would be another one.
    return render(template, links=links, page=name, script=Markup(_SCRIPT), **values)  # noqa: S704


def nothing_yet(links: Links, name: str, text: str) -> str:
    """A page that the navigation leads to before there is something on it."""
    title = _TITLES[404] + (f": {name} of {links.run_id}" if links.run_id else f": {name}")
    values = {"title": title, "text": text, "remedy": None, "sign_in": None}
    return page("page_message.html.j2", links, name, **values)


async def with_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """Every answer has the headers, whatever went wrong."""
    try:
        response = await call_next(request)
    except Exception:
        log.exception("%s cannot be shown", request.url.path)
        response = _message(
            _links_of(request),
            500,
            title="This page cannot be shown",
            text="Something here is not as it should be. The log of Airflow's API server says what.",
        )
    response.headers.update(HEADERS)
    return response


def misspelt(request: Request, error: RequestValidationError) -> HTMLResponse:
    """For an address with a parameter that is none."""
    found = [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()]
    title = "The address asks for what there is not"
    return _message(_links_of(request), 422, title=title, text="\n".join(found))


def refused(request: Request, error: HTTPException) -> HTMLResponse:
    """For who may not see a page, and for a page that there is not."""
    links = _links_of(request)
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return _message(
        links,
        error.status_code,
        title=_TITLES.get(error.status_code, "This page cannot be shown"),
        text=_TEXTS.get(error.status_code, str(error.detail)),
        sign_in=links.sign_in(path) if error.status_code == 401 else None,
    )


def failed(request: Request, error: RetrainError) -> HTMLResponse:
    """For what AWS, the configuration or a card stands in the way of."""
    log.warning("%s cannot be shown: %s", request.url.path, error)
    return _message(
        _links_of(request),
        500 if isinstance(error, ConfigError | ResultMalformed) else 503,
        title=f"{error.code}: {error.title}",
        text=error.observed,
        remedy=error.remedy,
    )


def _links_of(request: Request) -> Links:
    """Links of a request that may have been refused before its address was understood."""
    found = request.path_params
    return links_to(request, found.get("dag_id") or DAG_ID, found.get("run_id"))


def _message(
    links: Links, status: int, *, title: str, text: str, remedy: str | None = None, sign_in: str | None = None
) -> HTMLResponse:
    values = {"title": title, "text": text, "remedy": remedy, "sign_in": sign_in}
    return HTMLResponse(page("page_message.html.j2", links, "message", **values), status)


@contextmanager
def made_of(*cards: Mapping[str, Any]) -> Iterator[None]:
    """Say what is wrong with the cards, where a page cannot be made of them."""
    try:
        yield
    except (TemplateError, LookupError, TypeError, ValueError, AttributeError) as error:
        wrong = [problem for card in cards for problem in report.card_problems(card)]
        log.exception("no page can be made of %s", [card.get("run_id") for card in cards])
        raise ResultMalformed(
            "card.json of the run cannot be shown:\n" + "\n".join(wrong[:5] or [repr(error)]),
            "a card of the form include/config/card.schema.json",
            "Clear the run's task report in Airflow: it writes the card again from what the tasks left.",
        ) from error
