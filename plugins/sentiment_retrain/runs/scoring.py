"""Whether a run scores reviews with the live model. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def why_not(run: Mapping[str, Any]) -> str | None:
    """Why a run scores nothing, None when it does.

    A run that may not deploy would score with a model that it did not choose, older than its own as a rule.
    With ``predict: auto`` it does not; ``always`` says that this is wanted.
    """
    if run["mode"] != "retrain":
        return f"mode is {run['mode']}: nothing is scored"
    wanted = run.get("predict", "never")
    if wanted == "never":
        return "predict is never"
    if wanted == "always":
        return None
    if run["run_type"] == "backfill" and run["deploy"] != "force":
        return "a backfill chooses no model, what is live may be older: predict: always scores with it"
    if run["deploy"] == "never":
        return "deploy is never, what is live may be older than this run: predict: always scores with it"
    return None
