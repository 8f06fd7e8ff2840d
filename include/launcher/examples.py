"""A text to try the endpoint with: what the data is about, not what the shipped data is."""

from __future__ import annotations

import json
import os
import shlex
from typing import TYPE_CHECKING, Any

from launcher import airflow
from launcher.failures import LauncherError
from sentiment_retrain.errors import RetrainError
from sentiment_retrain.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from launcher.places import Places
    from sentiment_retrain.settings.schema import GoldenRequest

#: Where neither a run nor the settings have any praise.
SHIPPED = "I love this dress, it fits perfectly"


def example(document: Mapping[str, Any], configured: Sequence[GoldenRequest] = ()) -> str:
    """A text to try the endpoint with, as the shell takes it: praise from the run's own verification.

    :param configured: what a verification would ask, for a run that had none because the champion stays
    """
    golden = (document.get("verification") or {}).get("golden") or [vars(one) for one in configured]
    praise = [one["text"] for one in golden if one["expected"] == 1]
    text = praise[0] if praise else SHIPPED
    # Double quotes read better; they leave these to the shell.
    return shlex.quote(text) if set('"$`\\!\n') & set(text) else f'"{text}"'


def newest_example(places: Places) -> str:
    """As :func:`example`, of the run whose card was brought home last, whatever runs now."""
    pointer = places.runs / "latest"
    try:
        document = json.loads((places.runs / pointer.read_text() / "card.json").read_text())
    except (OSError, ValueError):
        document = {}
    return example(document, configured_requests())


def configured_requests() -> Sequence[GoldenRequest]:
    """The golden requests of the laptop's settings; none where those are broken, which is told elsewhere."""
    os.environ["SENTIMENT_RETRAIN_CONFIG"] = airflow.overlay()
    try:
        return load_settings().golden_requests
    except (RetrainError, LauncherError):
        return ()
