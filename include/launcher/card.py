"""The run card, brought home from the bucket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from launcher import localaws
from launcher.failures import RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from launcher.places import Places


def bring_home(places: Places, aws_url: str, run_key: str | None = None) -> Path:
    """Copy a run's card to `.local/runs/<run_key>/`; return the path of its `card.json`.

    :param run_key: None: the newest run
    :raises ClientError: there is no card yet
    """
    s3 = localaws.client("s3", aws_url)
    key = run_key or _newest_key(s3)
    home: Path = places.runs / key
    home.mkdir(parents=True, exist_ok=True)
    for name in ("card.json", "card.html"):
        s3.download_file(localaws.BUCKET, f"runs/{key}/{name}", str(home / name))
    if run_key is None:
        (places.runs / "latest").write_text(key)
    return home / "card.json"


def _newest_key(s3: Any) -> str:
    latest = s3.get_object(Bucket=localaws.BUCKET, Key="runs/latest.json")["Body"].read()
    return str(json.loads(latest)["run_key"])


def newest(places: Places, aws_url: str | None) -> Path:
    """The newest card: from the bucket where the stand-in runs, else the copy brought home last.

    :raises RefusedError: there is none
    """
    if aws_url:
        try:
            return bring_home(places, aws_url)
        except (ClientError, BotoCoreError):
            pass  # no run has finished on this stand-in; an earlier copy may still be at home
    pointer = places.runs / "latest"
    card: Path = places.runs / (pointer.read_text() if pointer.exists() else "none") / "card.json"
    if not card.exists():
        raise RefusedError("LOCAL_NO_CARD", "no run has finished here yet.", "Start one with `make run`.")
    return card
