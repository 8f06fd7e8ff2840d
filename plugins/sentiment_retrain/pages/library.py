"""What the pages show, read from the bucket and from the endpoint."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from sentiment_retrain import settings as configuration
from sentiment_retrain.aws.hooks import Aws
from sentiment_retrain.aws.job_log import JobLog
from sentiment_retrain.aws.jobs import JOB_KINDS, read_state
from sentiment_retrain.cards import figures, timeline
from sentiment_retrain.operators.links import console_url
from sentiment_retrain.pages import live

if TYPE_CHECKING:
    from collections.abc import Callable

    from markupsafe import Markup

    from sentiment_retrain.settings import Settings

#: For how long an answer about the endpoint is passed on: everybody looks at once when something is wrong.
LIVE_SECONDS = 10.0
#: Lines of a log that a page shows from its start; of a longer one it also shows the end.
LOG_LINES = 200
#: The tag that every resource of a run carries.
RUN_TAG = "retrain:run"
#: Newest runs among which one that has looked at its reviews is searched.
_RUNS_WITH_REVIEWS = 10


class Library:
    """Reads for the pages. Safe to share between threads.

    :param aws: None for AWS as the environment says
    """

    def __init__(self, aws: Aws | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.aws = aws or Aws()
        self._clock = clock
        self._lock = threading.Lock()
        self._live: tuple[float, live.Live] | None = None

    @property
    def settings(self) -> Settings:
        """The installation's configuration; a wrong one fails the page, not the server's start."""
        return configuration.load_settings()

    @property
    def bucket(self) -> str:
        return configuration.required_bucket(self.settings)

    def card(self, run_key: str) -> dict[str, Any] | None:
        """The card of a run, None before there is one."""
        found = self.aws.find_json(f"{self._run_uri(run_key)}/card.json")
        return dict(found) if found else None

    def figures(self, run_key: str, page: str) -> dict[str, list[Markup]]:
        """The drawings that the run kept for ``card`` or ``reviews``."""
        return figures.read(self.aws, self._run_uri(run_key), page)

    def reviews(self, run_key: str) -> dict[str, Any] | None:
        """What the run's reviews look like, as :mod:`sentiment_retrain.data.exploration` counted them."""
        found = self.aws.find_json(f"{self._run_uri(run_key)}/reviews.json")
        return dict(found) if found else None

    def newest_reviews(self, dag_id: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Summary and reviews of the newest run that has looked at them."""
        for run in reversed(self.runs(dag_id)[-_RUNS_WITH_REVIEWS:]):
            found = self.reviews(run["run_key"])
            if found:
                return run, found
        return None

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """Every run of the DAG in a few numbers, oldest first."""
        return self.timeline(dag_id).runs

    def timeline(self, dag_id: str) -> timeline.Timeline:
        """:meth:`runs`, and the cards that cannot be read: of which DAG they are, nobody can say."""
        found = timeline.read_timeline(self.aws, self.bucket)
        return found._replace(runs=timeline.of_dag(found.runs, dag_id))

    def job(self, kind_name: str, name: str) -> dict[str, Any] | None:
        """State and last log lines of a job that a run of ours made; None for any other.

        Whoever may see runs need not be allowed to see all that is in the account.
        """
        kind = JOB_KINDS.get(kind_name)
        description = self.aws.describe_job(kind, name) if kind else None
        if kind is None or description is None:
            return None
        tags = self.aws.tags(description[kind.arn_key])
        if RUN_TAG not in tags:
            return None
        state = read_state(kind, description)
        lines = JobLog(self.aws, kind.log_group, name, maximum_lines=LOG_LINES)
        return {
            "kind": kind.name,
            "name": name,
            "made_by": tags[RUN_TAG],
            "state": state,
            "log": list(lines.last_lines()),
            "log_group": kind.log_group,
            "console": console_url(
                self.aws.client("sagemaker").meta.endpoint_url, str(self.aws.session.region_name), kind, name
            ),
        }

    def live(self) -> live.Live:
        """What serves now; see :func:`sentiment_retrain.pages.live.look`."""
        with self._lock:
            if self._live and self._clock() - self._live[0] < LIVE_SECONDS:
                return self._live[1]
            found = live.look(self.aws, self.settings, self.bucket)
            self._live = (self._clock(), found)
            return found

    def _run_uri(self, run_key: str) -> str:
        return f"s3://{self.bucket}/runs/{run_key}"
