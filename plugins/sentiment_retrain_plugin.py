"""Registers the package with Airflow. Imports little: every Airflow process executes this file."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from sentiment_retrain.links import SageMakerJobLink
from sentiment_retrain.priority import BackfillsLast


class SentimentRetrainPlugin(AirflowPlugin):
    """Extra links of the operators, and the order in which runs get slots."""

    name = "sentiment_retrain"
    operator_extra_links = [SageMakerJobLink()]  # noqa: RUF012 - the form Airflow gives it
    priority_weight_strategies = [BackfillsLast]  # noqa: RUF012 - the form Airflow gives it
