"""Which old endpoint configurations and models may go. Pure; the newest and the needed ones stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence


class Excess(NamedTuple):
    """Names to delete, oldest first."""

    configs: list[str]
    models: list[str]


def excess(
    configs: Sequence[str],
    models: Sequence[str],
    *,
    models_of: Mapping[str, Collection[str]],
    needed_configs: Collection[str],
    needed_models: Collection[str],
    keep: int,
) -> Excess:
    """What the policy lets go.

    :param configs: our endpoint configurations, oldest first
    :param models: our models, oldest first
    :param models_of: models that each configuration serves
    :param needed_configs: that an endpoint runs, would be rolled back to, or is pinned to
    :param needed_models: that this run has made or evaluated
    :param keep: so many of the newest of each stay, needed or not
    """
    newest = configs[max(0, len(configs) - keep) :]
    kept = {*newest, *needed_configs}
    gone = [name for name in configs if name not in kept]
    served = {model for name in kept for model in models_of.get(name, ())}
    stay = {*models[max(0, len(models) - keep) :], *served, *needed_models}
    return Excess(gone, [name for name in models if name not in stay])
