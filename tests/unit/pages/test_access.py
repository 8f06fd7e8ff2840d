"""No page without Airflow's permission to see the runs of its DAG, whatever page is added."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
from fastapi import FastAPI, HTTPException

if TYPE_CHECKING:
    from sentiment_retrain.pages.library import Library


# Airflow's own dependencies import Starlette's test client, which is deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`")


def get(app: FastAPI, path: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
            return await client.get(path)

    return asyncio.run(ask())


class Nothing:
    """A library that nobody who is refused may reach."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was read for somebody who may not")


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_refused_reaches_no_page(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    from sentiment_retrain.pages import app as pages

    asked: list[tuple[Any, ...]] = []

    def requires_access_dag(*arguments: Any) -> Any:
        asked.append(arguments)

        def refuse() -> None:
            raise HTTPException(status)

        return refuse

    monkeypatch.setattr(pages, "requires_access_dag", requires_access_dag)
    app = pages.build_app(cast("Library", Nothing()))
    paths = [str(route.path) for route in app.routes]  # type: ignore[attr-defined]
    assert len(paths) == 7
    for path in paths:
        assert "{dag_id}" in path, "the permission is that of the DAG in the address"
        answer = get(
            app, path.replace("{run_id:path}", "run").format(dag_id="dag", kind="k", name="n", code="c")
        )
        assert answer.status_code == status, path
        assert "script-src 'sha256-" in answer.headers["content-security-policy"]
    assert [(method, entity.name) for method, entity in asked] == [("GET", "RUN")]
