"""Where the pages are, and what they link to."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

#: Where the app is mounted in Airflow's API server.
PREFIX = "/sentiment-retrain"
#: The DAG whose pages Airflow's menu leads to.
DAG_ID = "review_sentiment_retrain"

#: What Airflow shows as tabs and menu entries; it fills in the placeholders.
EXTERNAL_VIEWS = (
    {
        "name": "Run card",
        "href": f"{PREFIX}/dags/{{DAG_ID}}/runs/{{RUN_ID}}/card",
        "destination": "dag_run",
        "url_route": "run-card",
    },
    {
        "name": "Model timeline",
        "href": f"{PREFIX}/dags/{{DAG_ID}}/timeline",
        "destination": "dag",
        "url_route": "model-timeline",
    },
    {
        "name": "Model timeline",
        "href": f"{PREFIX}/dags/{DAG_ID}/timeline",
        "destination": "nav",
        "category": "browse",
        "url_route": "sentiment-timeline",
    },
    {
        "name": "Reviews explored",
        "href": f"{PREFIX}/dags/{DAG_ID}/reviews",
        "destination": "nav",
        "category": "browse",
        "url_route": "sentiment-reviews",
    },
)


@dataclass(frozen=True)
class Links:
    """Addresses of one DAG, and of one run of it.

    :param root_path: where the app is mounted, as ASGI says it: Airflow's own prefix, then ours
    """

    root_path: str
    dag_id: str
    run_id: str | None = None

    @property
    def timeline(self) -> str:
        return f"{self._pages}/timeline"

    @property
    def reviews(self) -> str:
        return (
            f"{self._pages}/runs/{_quoted(self.run_id)}/reviews" if self.run_id else f"{self._pages}/reviews"
        )

    @property
    def card(self) -> str | None:
        return self.card_of(self.run_id) if self.run_id else None

    @property
    def dag(self) -> str:
        """The DAG in Airflow, with its button *Trigger*."""
        return f"{self._airflow}/dags/{_quoted(self.dag_id)}"

    @property
    def run(self) -> str | None:
        """The run in Airflow."""
        return f"{self.dag}/runs/{_quoted(self.run_id)}" if self.run_id else None

    @property
    def question(self) -> str | None:
        """Where Airflow asks for somebody's decision on the run."""
        return f"{self.run}/required_actions" if self.run else None

    def card_of(self, run_id: str) -> str:
        """The card of any run of the DAG."""
        return f"{self._pages}/runs/{_quoted(run_id)}/card"

    def compare_with(self, run_id: str) -> str:
        """The run beside another one of the DAG."""
        return f"{self._pages}/runs/{_quoted(self.run_id)}/compare?with={_quoted(run_id)}"

    def runbook(self, place: str) -> str:
        """Where the runbook is that a card names: as it says where a browser can go, else on our page."""
        is_ours = "://" not in place and "#sr-" in place
        return f"{self._pages}/runbook/{_quoted(place.partition('#')[2])}" if is_ours else place

    def job(self, kind: str, name: str) -> str:
        """A job of the run, with its log."""
        return f"{self._pages}/runs/{_quoted(self.run_id)}/jobs/{_quoted(kind)}/{_quoted(name)}"

    def sign_in(self, back_to: str) -> str:
        """Airflow's login, which leads back here."""
        return f"{self._airflow}/api/v2/auth/login?next={quote(back_to, safe='')}"

    @property
    def _pages(self) -> str:
        return f"{self.root_path}/dags/{_quoted(self.dag_id)}"

    @property
    def _airflow(self) -> str:
        return self.root_path.removesuffix(PREFIX)


def _quoted(part: str | None) -> str:
    return quote(part or "", safe="")
