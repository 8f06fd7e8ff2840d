"""OpenLineage: what each task reads and writes, made of what the tasks hand on. No AWS is asked.

Imported when the provider asks for an event, and only then: without it nothing here is needed
(docs/lineage.md, ADR 0009).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openlineage.client.facet_v2 import external_query_run, sql_job

from sentiment_retrain.lineage import data_tasks, live_tasks, model_tasks, quality
from sentiment_retrain.lineage.custom import WorkRunFacet
from sentiment_retrain.lineage.facts import NOTHING, Facts, Told
from sentiment_retrain.lineage.source_code import source_code_facets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from openlineage.client.facet_v2 import JobFacet, RunFacet

#: By the operator's class. The others move no data.
BUILDERS: Mapping[str, Callable[[Facts], Told]] = {
    "LandReviewsOperator": data_tasks.land_reviews,
    "RegisterGlueTablesOperator": data_tasks.register_tables,
    "AthenaQualityOperator": data_tasks.check,
    "DriftOperator": data_tasks.check,
    "PrepareDatasetsOperator": data_tasks.prepare_datasets,
    "ClarifyBiasOperator": model_tasks.bias,
    "ClarifyShapOperator": model_tasks.shap,
    "AutopilotOperator": model_tasks.autopilot,
    "BlazingTextOperator": model_tasks.blazingtext,
    "EvaluateModelOperator": model_tasks.evaluate,
    "SelectBestModelOperator": model_tasks.select_best,
    "RegisterModelOperator": model_tasks.register_model,
    "DeployInferencePipelineOperator": live_tasks.deploy,
    "VerifyEndpointOperator": live_tasks.verify,
    "PruneModelsOperator": live_tasks.prune,
    "PredictOperator": live_tasks.predict,
    "RollbackEndpointOperator": live_tasks.rollback,
}


def lineage(classes: Iterable[str], facts: Facts) -> Told:
    """What is told of a task.

    :param classes: names of the operator's class and of those that it is derived from, the nearest first
    """
    build = next((BUILDERS[name] for name in classes if name in BUILDERS), None)
    # Without the output of `plan` nothing can be named.
    told = build(facts) if build and facts.run.get("bucket") else NOTHING
    return Told(
        told.inputs,
        told.outputs,
        {**_run_facets(facts), **told.run_facets},
        {**source_code_facets(), **_job_facets(facts), **told.job_facets},
    )


def _run_facets(facts: Facts) -> dict[str, RunFacet]:
    found = quality.gate_facets(facts.found.get("gates") or facts.notes.get("gates") or ())
    # `plan` is given no run: it makes it.
    run = facts.run or facts.found
    if run.get("run_key"):
        found[WorkRunFacet.KEY] = _work(facts, run)
    job = next(_jobs(facts), None)
    # A job that failed is in no result.
    arn = (job or {}).get("arn") or facts.notes.get("job_arn")
    if arn:
        found["externalQuery"] = external_query_run.ExternalQueryRunFacet(
            externalQueryId=arn, source="awssagemaker"
        )
    return found


def _jobs(facts: Facts) -> Iterator[Mapping[str, Any]]:
    """The task's jobs, the one that its result is of first."""
    for key in ("job", "reference_job"):
        job = facts.found.get(key)
        if job:
            yield job


def _work(facts: Facts, run: Mapping[str, Any]) -> WorkRunFacet:
    jobs = list(_jobs(facts))
    # A job that another run has started, and this one waits for, is on that run's bill.
    own = [job for job in jobs if job["outcome"] != "reused" and job["owner"] in ("", run["run_key"])]
    paid = [job["cost_usd"] for job in own if job["cost_usd"] is not None]
    outcomes = {job["outcome"] for job in jobs}
    return WorkRunFacet(
        runKey=run["run_key"],
        mode=run["mode"],
        jobs=[
            {
                **{key: job[key] for key in ("kind", "name", "arn", "outcome", "owner")},
                "billableSeconds": job["billable_seconds"],
                "costUsd": job["cost_usd"],
            }
            for job in jobs
        ],
        queries=[
            {"name": query["name"], "id": query["id"], "bytesScanned": query["bytes_scanned"]}
            for query in facts.notes.get("queries", ())
        ],
        costUsd=round(sum(paid), 6) if jobs else None,
        reused=bool(facts.found.get("reused")) or outcomes == {"reused"},
    )


def _job_facets(facts: Facts) -> dict[str, JobFacet]:
    """The queries, as sent; several are separated as in a script."""
    queries = facts.notes.get("queries", ())
    if not queries:
        return {}
    return {"sql": sql_job.SQLJobFacet(query=";\n".join(query["sql"].strip() for query in queries))}
