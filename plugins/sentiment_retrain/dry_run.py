"""``python -m sentiment_retrain.dry_run``: plans of runs that nobody has started.

One JSON document a line. Reads the account and writes nothing: no job, no object, no run.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from typing import Any

from sentiment_retrain.aws.hooks import Aws
from sentiment_retrain.errors import RetrainError
from sentiment_retrain.operators.planning import draft
from sentiment_retrain.runs.params import run_params
from sentiment_retrain.settings import load_settings

DAG_ID = "review_sentiment_retrain"


def main() -> int:
    """Print the ``plan.json`` of each day; a day that cannot be planned gives its ``error`` instead."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--params", type=json.loads, default={}, help="JSON, as the form of the DAG takes it")
    parser.add_argument("--run-type", default="backfill", choices=["backfill", "manual", "scheduled"])
    parser.add_argument("days", nargs="+", type=dt.date.fromisoformat, help="YYYY-MM-DD")
    options = parser.parse_args()
    aws, settings = Aws(), load_settings()
    form = {name: param.value for name, param in run_params(settings).items()}
    for day in options.days:
        document: dict[str, Any]
        try:
            _, document = draft(
                aws,
                settings,
                params=form | options.params,
                day=day,
                dag_id=DAG_ID,
                run_id=f"{options.run_type}__{day}",
                run_type=options.run_type,
            )
        except RetrainError as error:
            document = {"partition": day.isoformat(), "error": error.as_dict()}
        sys.stdout.write(json.dumps(document, default=str) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
