"""What a plan promises of work that another run has under way, and whose explanations are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sentiment_retrain.aws import jobs
from sentiment_retrain.operators import foresight
from sentiment_retrain.operators.clarify_shap import ClarifyShapOperator
from sentiment_retrain.runs import plan

from .conftest import context
from .test_sagemaker_job import ProbeOperator, in_background, is_waiting, names, run_of, wait_until

if TYPE_CHECKING:
    from sentiment_retrain.aws.hooks import Aws


def test_a_job_that_another_run_has_under_way_stays_in_the_bound(aws: Aws, bucket: str) -> None:
    owner = ProbeOperator(run=run_of(bucket), command="sleep")
    thread, _ = in_background(lambda: owner.execute(context()))
    wait_until(lambda: is_waiting(owner))
    mine = ProbeOperator(run=run_of(bucket, "second"), command="sleep")
    looked = foresight._Foresight(aws, mine.settings, mine.run, {})
    found = looked._look("probe", mine.next_job({}))
    owner.on_kill()
    thread.join(30)
    wait_until(
        lambda: (aws.describe_job(jobs.PROCESSING, names(aws)[0]) or {})["ProcessingJobStatus"] == "Stopped"
    )
    # Should it end without a result, this run begins one of its own.
    assert "run first started it" in found.why
    assert plan.plan_bound_usd([plan.PlannedStep("probe", found.decision, found.why, 3.0)]) == 3.0
    assert looked._look("probe", mine.next_job({})).decision == "run"


@pytest.mark.parametrize(("explained", "is_compared"), [("a" * 64, True), ("b" * 64, False)])
def test_explanations_of_another_model_are_no_baseline(
    aws: Aws, bucket: str, explained: str, is_compared: bool
) -> None:
    """The champion may have lost in the run that trained it, and have won in a later one that reused it."""
    champion = {"run_key": "trained", "model_fingerprint": "a" * 64}
    kept: dict[str, Any] = {"importance": {"lovely": 1.0}, "reviews": [{"lovely": [0.0, 0.0, 1.0, 1]}]}
    aws.put_json(f"s3://{bucket}/runs/trained/attributions.json", kept)
    aws.put_json(f"s3://{bucket}/runs/trained/verdict.json", {"model_fingerprint": explained})
    shap = ClarifyShapOperator(task_id="shap", run=run_of(bucket, champion=champion), datasets={})
    assert shap._baseline() == (kept if is_compared else None)
