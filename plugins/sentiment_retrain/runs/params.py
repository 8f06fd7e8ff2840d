"""The form of a run: what a person may ask for when starting one."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from airflow.sdk import Param

from sentiment_retrain.settings.base import ReuseScope

if TYPE_CHECKING:
    from sentiment_retrain.settings import Settings

CONTENDERS = ["autopilot", "blazingtext"]


def run_params(settings: Settings) -> dict[str, Param]:
    """Parameters of the DAG; the configuration gives their defaults, JSON schema their limits."""
    defaults = settings.defaults
    return {
        # First: at night a rollback is what the form is opened for.
        "mode": Param(
            "retrain",
            type="string",
            enum=["retrain", "plan_only", "rollback", "unpin"],
            title="Mode",
            description="plan_only writes the plan with its cost bound and does nothing else. rollback puts "
            "back what was live before (or the model named below) and pins it; unpin lets runs deploy again.",
        ),
        "rollback_to": Param(
            None,
            type=["null", "string"],
            minLength=1,
            title="Roll back to",
            description="With mode: rollback, a model's name, or the ARN or version of its package. "
            "Empty: what was live before.",
        ),
        "source_uri": Param(
            settings.source_uri,
            type=["null", "string"],
            pattern="^s3://.+",
            title="Source",
            description="S3 URI of a CSV object or of a folder of them. Empty: the inbox of the bucket.",
        ),
        "window_days": Param(
            settings.window_days,
            type="integer",
            minimum=1,
            title="Window in days",
            description="How far back of the run's day landed reviews are used.",
        ),
        "deploy": Param(
            defaults.deploy,
            type="string",
            enum=["auto", "never", "force"],
            title="Deploy",
            description="auto: a winner that beats the champion, and never from a backfill. "
            "force: the winner, unless the champion was trained on newer data.",
        ),
        "approval": Param(
            defaults.approval,
            type="string",
            enum=["auto", "manual"],
            title="Approval",
            description="manual: a winner waits until somebody approves it, here or in the model registry.",
        ),
        "predict": Param(
            defaults.predict,
            type="string",
            enum=["never", "auto", "always"],
            title="Predict",
            description="auto: what is live at the end scores the newest reviews into the table predictions, "
            "but not in a run that may not deploy. always: in such a run too.",
        ),
        "contenders": Param(
            list(defaults.contenders),
            type="array",
            items={"type": "string", "enum": CONTENDERS},
            minItems=1,
            uniqueItems=True,
            examples=CONTENDERS,
            title="Contenders",
            description="Which models are trained and compared.",
        ),
        "budget_usd": Param(
            defaults.budget_usd,
            type="number",
            exclusiveMinimum=0,
            title="Budget in US dollars",
            description="The run does not start when its jobs could cost more at their time limits.",
        ),
        "reuse": Param(
            defaults.reuse if isinstance(defaults.reuse, bool) else defaults.reuse.model_dump(),
            type=["boolean", "object"],
            properties={
                "max_age_days": {"type": ["number", "null"], "exclusiveMinimum": 0},
                "scope": {"enum": list(get_args(ReuseScope))},
            },
            additionalProperties=False,
            title="Reuse finished work",
            description="Jobs of the same inputs, configuration and code are not paid for twice. "
            "true, false, or {max_age_days, scope}; scope is any, same_day or run.",
        ),
    }
