"""When finished work may be used again, and which input changed when it may not. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import datetime as dt

    from sentiment_retrain.settings.base import ReuseScope

#: So many changed inputs are named; more would hide the first.
SHOWN = 4
_DIGEST_LENGTH = 64


class ReusePolicy(NamedTuple):
    """Whose finished jobs may be used, and how old they may be.

    :param scope: ``any`` run's, those of runs of the ``same_day`` (logical date), or of this ``run`` alone
    """

    scope: ReuseScope = "any"
    max_age_days: float | None = None


def reuse_policy(value: Any) -> ReusePolicy:
    """The policy that ``reuse`` of a run or of the configuration means: true, false or a mapping."""
    if isinstance(value, Mapping):
        return ReusePolicy(value.get("scope") or "any", value.get("max_age_days"))
    return ReusePolicy("any" if value else "run")


def wire_policy(value: Any) -> bool | dict[str, Any]:
    """``reuse`` as the run carries it: a boolean where one says it all."""
    policy = reuse_policy(value)
    if policy.scope == "run" or policy == ReusePolicy():
        return policy.scope != "run"
    return policy._asdict()


def why_not(
    policy: ReusePolicy, *, owner: str, run_key: str, ended_at: dt.datetime | None, now: dt.datetime
) -> str | None:
    """Why a job must not be used although its inputs are the same; None when it may be.

    A run's own job is always used: it is what a retry comes back to.

    :param owner: run key of the run that started the job
    """
    if owner == run_key:
        return None
    if policy.scope == "run":
        return f"it is of run {owner} and reuse is off"
    if policy.scope == "same_day" and owner.split("-")[0] != run_key.split("-")[0]:
        return f"it is of run {owner}, and only work of runs of the same day is reused (scope: same_day)"
    if policy.max_age_days is not None and ended_at is not None:
        age_days = (now - ended_at).total_seconds() / 86400
        if age_days > policy.max_age_days:
            return f"it is {age_days:.1f} days old, and reuse ends after {policy.max_age_days:g} days"
    return None


def changed_inputs(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """One phrase for each input that differs, e.g. ``hyperparameters.epochs: 25 -> 30``."""
    old, new = _flat(before), _flat(after)
    return [
        f"{key}: {_shown(old.get(key))} -> {_shown(new.get(key))}"
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]


def changes_text(changes: list[str], since: str) -> str:
    """Changed inputs as one sentence.

    :param since: the run that the inputs are compared with
    """
    if not changes:
        return f"the inputs are those of run {since}, whose job cannot be used"
    more = f" and {len(changes) - SHOWN} more" if len(changes) > SHOWN else ""
    return f"changed since run {since}: {', '.join(changes[:SHOWN])}{more}"


def _flat(inputs: Any, path: str = "") -> dict[str, Any]:
    """Leaves by dotted path."""
    if isinstance(inputs, Mapping):
        pairs = [(str(key), value) for key, value in inputs.items()]
    elif isinstance(inputs, list | tuple):
        pairs = [(str(position), value) for position, value in enumerate(inputs)]
    else:
        return {path: inputs}
    found: dict[str, Any] = {}
    for key, value in pairs:
        found |= _flat(value, f"{path}.{key}" if path else key)
    return found


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    text = str(value)
    is_digest = len(text) == _DIGEST_LENGTH and all(letter in "0123456789abcdef" for letter in text)
    return text[:8] if is_digest else text if len(text) <= 40 else f"{text[:39]}…"
