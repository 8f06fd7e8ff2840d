"""`make rollback`: back to what was live before, or to a named model, and pinned; or the pin lifted."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from launcher import card, retrain
from launcher.failures import RunFailedError
from launcher.remote import RemoteJobs

if TYPE_CHECKING:
    from rich.console import Console

    from launcher.places import Places

AFTERWARDS = (
    "next      make rollback UNPIN=1    lets later runs deploy again",
    "          make rollback            once more swaps the two models back",
)
LOOK_FIRST = (
    "An update that the endpoint had begun goes on. `make status` says what is live: look before you roll "
    "back again, for where this one got through the next swaps the two models back."
)


def request(model: str, *, unpin: bool) -> dict[str, Any]:
    """The run's parameters.

    :param model: its name, or the ARN or version of its package; empty for what was live before
    """
    return {"mode": "unpin"} if unpin else {"mode": "rollback", "rollback_to": model or None}


def run(places: Places, model: str, *, unpin: bool, console: Console) -> None:
    """Roll back, or unpin, in a run of the DAG.

    :raises RunFailedError: it did not work; what is live is untouched
    """
    conf = request(model, unpin=unpin)
    with retrain.account(places, console) as aws_url:
        with retrain.airflow_api(places, aws_url, console) as api:
            run_id = f"{conf['mode']}-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S}"
            api.trigger(retrain.DAG_ID, run_id, conf)
            try:
                state = retrain.watch(api, run_id, RemoteJobs(aws_url), console)
            except KeyboardInterrupt:
                # Left to itself it would go on when Airflow starts next, and that very rollback be undone.
                retrain.cancel(api, [run_id], aws_url, console, retrain.GO_ON if unpin else LOOK_FIRST)
                raise
            if state != "success":
                raise RunFailedError("LOCAL_ROLLBACK_FAILED", *retrain.explain(places, api, run_id, aws_url))
        home = card.bring_home(places, aws_url)
    said = (json.loads(home.read_text()).get("endpoint") or {}).get("said")
    console.print(said or "done", soft_wrap=True)
    console.print(f"card      {home.with_name('card.html')}", soft_wrap=True)
    if not unpin:
        for line in AFTERWARDS:
            console.print(line, highlight=False)
