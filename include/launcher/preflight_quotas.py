"""Whether an account's quotas on SageMaker's instances have room for a run. Pure.

New accounts begin without room for most types, and each kind of use has a quota of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from launcher.preflight_checks import FAIL, OK, UNKNOWN, Check, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sentiment_retrain.settings.schema import Instances, Settings


class Need(NamedTuple):
    """Instances that a run uses at one time, and the name of the quota on them.

    ``others`` are the quotas on the types that jobs fall back to, ``pool`` is where jobs wait for one another
    (empty: they do not), ``is_guess`` says that AWS chooses the machines itself.
    """

    quota: str
    instances: int
    others: tuple[str, ...] = ()
    pool: str = ""
    is_guess: bool = False


def needs(settings: Settings) -> list[Need]:
    """What a run uses of SageMaker's instance quotas at one time, and the endpoint after it."""
    jobs, contenders = settings.jobs, settings.defaults.contenders
    found = [
        # The analyses of bias and of SHAP run side by side, and so do the evaluations.
        _of_jobs("processing", jobs.analysis, 2, settings.job_pool),
        _of_jobs("training", jobs.blazingtext, 1, settings.job_pool),
        _of_jobs("transform", jobs.transform, len(contenders), settings.job_pool),
    ]
    if "autopilot" in contenders:
        kinds = {"training": jobs.autopilot.max_candidates, "processing": 1, "transform": 1}
        machine = jobs.autopilot.instance_type
        found += [Need(_quota(machine, kind), count, is_guess=True) for kind, count in kinds.items()]
    deployment = settings.deployment
    if deployment.serverless:
        return [*found, Need(_quota(deployment.instance_type, "endpoint"), jobs.analysis.instance_count)]
    fleet = max(deployment.instance_count, deployment.autoscaling.maximum if deployment.autoscaling else 0)
    # A blue/green update has both fleets for a while; SHAP has an endpoint of its own beside the live one.
    most = max(2 * fleet * (2 if deployment.shadow else 1), fleet + jobs.analysis.instance_count)
    return [*found, Need(_quota(deployment.instance_type, "endpoint"), most)]


def _of_jobs(kind: str, machines: Instances, at_once: int, pool: str) -> Need:
    others = tuple(_quota(name, kind) for name in machines.fallback_instance_types)
    waits = "" if pool == "default_pool" else pool
    return Need(_quota(machines.instance_type, kind), at_once * machines.instance_count, others, waits)


def _quota(instance_type: str, kind: str) -> str:
    """AWS's name of a quota: those of jobs and of endpoints differ."""
    return f"{instance_type} for {kind}{'' if kind == 'endpoint' else ' job'} usage"


def quotas(wanted: Sequence[Need], found: Mapping[str, float] | Refusal) -> list[Check]:
    """Whether each quota, with those of the types to fall back to, has room for what a run uses.

    :param found: values of the account's quotas on SageMaker by name
    """
    return [_judged(need, found) for need in wanted]


def _judged(need: Need, found: Mapping[str, float] | Refusal) -> Check:
    name, expected = f"quota: {need.quota}", f"{need.instances} or more"
    if isinstance(found, Refusal) or need.quota not in found:
        observed = str(found) if isinstance(found, Refusal) else "AWS lists no quota of this name"
        remedy = "Look in the Service Quotas console, under Amazon SageMaker."
        return Check(name, UNKNOWN, observed, expected, remedy)
    rest = sum(found.get(other, 0) for other in need.others)
    room = found[need.quota] + rest
    observed = f"{found[need.quota]:g}" + (f", and {rest:g} of the types to fall back to" if rest else "")
    if room >= need.instances:
        return Check(name, OK, observed, expected)
    if need.pool and room >= 1:
        return Check(name, OK, f"{observed}; jobs wait in the pool {need.pool}", expected)
    if need.is_guess:
        remedy = (
            "AWS chooses Autopilot's machines itself, of this type as far as known. Ask for more in the "
            "Service Quotas console, or train BlazingText alone: defaults.contenders."
        )
        return Check(name, UNKNOWN, observed, expected, remedy)
    remedy = "Ask for more in the Service Quotas console, or use another instance type that has room."
    if room >= 1 and need.others:
        remedy = "Let jobs wait for one another: job_pool (docs/configuration.md). " + remedy
    return Check(name, FAIL, observed, expected, remedy)
