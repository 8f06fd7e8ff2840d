"""Gates: each looks at one number, says pass, warn or fail, and explains itself.

Pure functions; the task that ran the check calls one, publishes the gates it got, then calls
:func:`raise_for_gates`. Names and codes are those of :data:`sentiment_retrain.errors.GATE_CODES`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from sentiment_retrain.errors import GATE_CODES, BudgetExceeded, GateFailed, VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sentiment_retrain.settings.gates import (
        AgreementGate,
        FloorGate,
        GoldenGate,
        LatencyGate,
        RefusedRowsGate,
    )
    from sentiment_retrain.settings.schema import GoldenRequest

Status = Literal["pass", "warn", "fail"]
#: From best to worst.
STATUSES: tuple[Status, ...] = ("pass", "warn", "fail")
_VERIFICATION = frozenset({"golden", "agreement", "latency"})


@dataclass(frozen=True)
class Gate:
    """One verdict. ``observed``, ``threshold`` and ``baseline`` are texts a person reads, values included."""

    gate: str
    status: Status
    observed: str
    threshold: str
    baseline: str | None
    evidence_uri: str | None
    remedy: str
    code: str

    def as_dict(self) -> dict[str, Any]:
        """The gate as tasks hand it on (docs/contracts.md section 2)."""
        return asdict(self)


def gate(
    name: str,
    status: Status,
    *,
    observed: str,
    threshold: str,
    remedy: str,
    baseline: str | None = None,
    evidence_uri: str | None = None,
) -> Gate:
    """A gate of this name, with the code that belongs to it."""
    return Gate(name, status, observed, threshold, baseline, evidence_uri, remedy, GATE_CODES[name])


def percent(share: float) -> str:
    """A share as configured, such as ``95%`` and ``99.5%``: a limit is not rounded."""
    return f"{100 * share:.6g}%"


def worst(gates: Iterable[Gate | Mapping[str, Any]]) -> Status:
    """The worst status among ``gates``; ``pass`` when there is none."""
    statuses = [item.status if isinstance(item, Gate) else item["status"] for item in gates]
    return max(statuses, key=STATUSES.index, default="pass")


def raise_for_gates(gates: Iterable[Gate | Mapping[str, Any]]) -> None:
    """Raise when any gate failed.

    :raises BudgetExceeded: when the budget gate is the first that failed
    :raises VerificationError: when a gate of the deployed endpoint is
    :raises GateFailed: for any other
    """
    as_dicts = [item.as_dict() if isinstance(item, Gate) else dict(item) for item in gates]
    failed = [item for item in as_dicts if item["status"] == "fail"]
    if not failed:
        return
    first = failed[0]["gate"]
    if first == "budget":
        raise BudgetExceeded(failed)
    if first in _VERIFICATION:
        raise VerificationError(failed)
    raise GateFailed(failed)


def refused_rows(
    received: int,
    refused_by_reason: Mapping[str, int],
    limits: RefusedRowsGate,
    evidence_uri: str | None = None,
) -> Gate:
    """Is the share of refused source rows acceptable?"""
    refused = sum(refused_by_reason.values())
    share = refused / received if received else 0.0
    status: Status = "fail" if share > limits.fail else "warn" if share > limits.warn else "pass"
    reasons = ", ".join(f"{reason} {count}" for reason, count in refused_by_reason.items()) or "none"
    return gate(
        "refused_rows",
        status,
        observed=f"{refused} of {received} rows refused ({share:.1%}): {reasons}",
        threshold=f"warn above {percent(limits.warn)}, fail above {percent(limits.fail)}",
        evidence_uri=evidence_uri,
        remedy="Open the quarantine file: each refused row is there with its reason. Correct the source and "
        "deliver it again, or raise `gates.refused_rows` knowingly.",
    )


def quality(
    results: Sequence[Mapping[str, Any]],
    severity: Literal["fail", "warn"],
    evidence_uri: str | None = None,
) -> Gate:
    """Did every data-quality expectation hold?

    :param results: one mapping an expectation: ``expectation`` (its name), ``success`` (bool),
        ``observed`` (text), and optionally ``column``
    """
    failed = [result for result in results if not result["success"]]
    named = "; ".join(
        f"{result['expectation']}{_of_column(result)}: {result.get('observed', 'not met')}"
        for result in failed[:5]
    )
    more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
    return gate(
        "quality",
        severity if failed or not results else "pass",
        observed=f"{len(failed)} of {len(results)} expectations not met{': ' if named else ''}{named}{more}",
        threshold="every expectation of the suite holds",
        evidence_uri=evidence_uri,
        remedy="Look at the named expectation in the quality report; correct the source, or the suite in "
        "include/suites/ when the data is right and the expectation is not.",
    )


def floor(
    metric: str, value: float, baseline: float, limits: FloorGate, evidence_uri: str | None = None
) -> Gate:
    """Is the winner good enough to be put before anybody?

    :param baseline: the metric of always answering the most frequent class
    """
    least = max(limits.minimum, baseline + limits.minimum_over_baseline)
    return gate(
        "floor",
        "pass" if value >= least else "fail",
        observed=f"{metric} {value:.3f}",
        threshold=f"at least {least:.3f} (the greater of {limits.minimum} and baseline + "
        f"{limits.minimum_over_baseline})",
        baseline=f"{baseline:.3f}: always answering the most frequent sentiment",
        evidence_uri=evidence_uri,
        remedy="Look at the confusion matrix in the evaluation: one sentiment never predicted points to "
        "the labels "
        "or the split. The endpoint keeps what it has.",
    )


def budget(bound_usd: float, budget_usd: float, evidence_uri: str | None = None) -> Gate:
    """May the run cost no more than it is allowed to, even at its jobs' time limits?"""
    return gate(
        "budget",
        "pass" if bound_usd <= budget_usd else "fail",
        observed=f"at most {bound_usd:.2f} USD if every job runs to its time limit",
        threshold=f"at most {budget_usd:.2f} USD",
        evidence_uri=evidence_uri,
        remedy="Raise `budget_usd`, train fewer contenders, or lower the jobs' maximum runtimes in "
        "retrain.yaml.",
    )


_WRONG = (
    "Nothing to undo where a model was live before: it is live again. When the gate `agreement` passed, the "
    "endpoint serves the evaluated model and these requests do not fit your reviews: write "
    "`golden_requests` about your own products (docs/your-data.md step 3) and run with `deploy: force`. When "
    "it failed too, another model is served than was evaluated: compare containers and environment."
)
_UNUSABLE = (
    "Nothing to undo where a model was live before: it is live again. An answer broke the form of "
    "docs/contracts.md section 3: look at it in the task's log (`golden request`) and in the endpoint's log, "
    "correct the container that wrote it, and run with `deploy: force`."
)


def golden(
    answers: Sequence[tuple[GoldenRequest, int | None]],
    limits: GoldenGate,
    evidence_uri: str | None = None,
) -> Gate:
    """Does the endpoint answer requests on which nobody disagrees?

    :param answers: each request with the predicted sentiment, None when the answer could not be read
    """
    wrong = [
        f"{request.text!r}: {'no usable answer' if answer is None else answer}, expected {request.expected}"
        for request, answer in answers
        if answer != request.expected
    ]
    share = 1 - len(wrong) / len(answers) if answers else 0.0
    unusable = any(answer is None for _, answer in answers)
    acceptable = share >= limits.minimum_share_correct and not unusable
    return gate(
        "golden",
        ("warn" if wrong else "pass") if acceptable else "fail" if unusable else limits.severity,
        observed=f"{len(answers) - len(wrong)} of {len(answers)} golden requests answered as expected"
        + (f"; {'; '.join(wrong)}" if wrong else ""),
        threshold=f"at least {percent(limits.minimum_share_correct)}, and every answer of the contract's "
        "form",
        evidence_uri=evidence_uri,
        remedy=_UNUSABLE if unusable else _WRONG,
    )


def agreement(equal: int, compared: int, limits: AgreementGate, evidence_uri: str | None = None) -> Gate:
    """Does the endpoint say of the test rows what the evaluation said of them?"""
    share = equal / compared if compared else 0.0
    return gate(
        "agreement",
        "pass" if share >= limits.minimum_share_equal else "fail",
        observed=f"{equal} of {compared} rows predicted as in the evaluation ({share:.1%})",
        threshold=f"at least {percent(limits.minimum_share_equal)}",
        baseline="the batch transform of the same rows",
        evidence_uri=evidence_uri,
        remedy="Roll back: another model, another container or another text handling is being served than "
        "was "
        "evaluated.",
    )


def latency(p95_ms: float, p50_ms: float, limits: LatencyGate, evidence_uri: str | None = None) -> Gate:
    """Does the endpoint answer fast enough, as its caller sees it?"""
    return gate(
        "latency",
        "pass" if p95_ms <= limits.maximum_p95_ms else limits.severity,
        observed=f"p95 {p95_ms:.0f} ms, median {p50_ms:.0f} ms over {limits.requests} requests",
        threshold=f"p95 at most {limits.maximum_p95_ms:.0f} ms",
        evidence_uri=evidence_uri,
        remedy="Choose a larger instance for `deployment`, or raise `gates.latency` when the caller is "
        "far away.",
    )


def _of_column(result: Mapping[str, Any]) -> str:
    return f" ({result['column']})" if result.get("column") else ""
