"""Registers the package with Airflow. Imports little: every Airflow process executes this file."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from airflow.plugins_manager import AirflowPlugin

from sentiment_retrain.cards.paths import EXTERNAL_VIEWS, PREFIX
from sentiment_retrain.operators.links import JobLogLink, RunCardLink, SageMakerJobLink
from sentiment_retrain.runs.priority import BackfillsLast


class SentimentRetrainPlugin(AirflowPlugin):
    """Extra links of the operators, the order in which runs get slots, and the pages in Airflow's UI."""

    name = "sentiment_retrain"
    operator_extra_links = [SageMakerJobLink(), JobLogLink(), RunCardLink()]  # noqa: RUF012 - the form Airflow gives it
    priority_weight_strategies = [BackfillsLast]  # noqa: RUF012 - the form Airflow gives it
    external_views = [dict(view) for view in EXTERNAL_VIEWS]  # noqa: RUF012 - the form Airflow gives it

    @cached_property
    def fastapi_apps(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The pages; made only in the API server, so that no task imports FastAPI."""
        from sentiment_retrain.pages.app import build_app

        return [{"app": build_app(), "url_prefix": PREFIX, "name": "Sentiment Retrain"}]
