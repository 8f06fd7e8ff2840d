"""The timeline is right whatever became of its index, and quick because of it."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from sentiment_retrain.aws.objects import S3Object
from sentiment_retrain.cards import report, timeline
from sentiment_retrain.errors import AccessDenied, ResultMalformed
from sentiment_retrain.runs.run_outputs import RunOutputs

from .. import sample_cards

if TYPE_CHECKING:
    from sentiment_retrain.aws.hooks import Aws


class Bucket:
    """As much of :class:`sentiment_retrain.aws.hooks.Aws` as the timeline uses, in memory, counted."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.reads: list[str] = []
        self.is_read_only = False

    def list_objects(self, prefix: str) -> list[S3Object]:
        return [
            S3Object(uri, len(content), hashlib.md5(content).hexdigest(), uri)  # noqa: S324 - as S3 does
            for uri, content in sorted(self.objects.items())
            if uri.startswith(prefix)
        ]

    def get_json(self, uri: str) -> Any:
        self.reads.append(uri)
        try:
            return json.loads(self.objects[uri])
        except ValueError as error:
            raise ResultMalformed(uri, "JSON") from error

    def find_json(self, uri: str) -> Any:
        return self.get_json(uri) if uri in self.objects else None

    def put_bytes(self, uri: str, content: bytes, content_type: str) -> str:
        if self.is_read_only:
            raise AccessDenied("s3:PutObject", "permission")
        self.objects[uri] = content
        return uri

    def put_card(self, run_key: str, **changes: Any) -> None:
        card = {**CARD, "run_key": run_key, "created_at": f"{run_key}T00:00:00+00:00", **changes}
        self.objects[f"s3://b/runs/{run_key}/card.json"] = json.dumps(card).encode()

    def timeline(self) -> list[str]:
        self.reads.clear()
        return [run["run_key"] for run in timeline.read_timeline(cast("Aws", self), "b").runs]


CARD = report.build_card(
    sample_cards.whole_run(), run_key="x", run_id="manual__x", created_at="2026-11-22T16:00:00+00:00"
)
INDEX = f"s3://b/{timeline.INDEX_KEY}"


@pytest.fixture
def bucket() -> Bucket:
    made = Bucket()
    for day in ("2026-11-01", "2026-11-02", "2026-11-03"):
        made.put_card(day)
        made.objects[f"s3://b/runs/{day}/card.html"] = b"<p>"
    return made


def test_a_run_in_a_few_numbers() -> None:
    run = timeline.summarize(CARD)
    test = CARD["contenders"]["autopilot"]["test"]
    assert run["winner"] == "autopilot"
    assert run["score"] == {
        "value": test["macro_f1"],
        "interval": test["intervals"]["macro_f1"],
        "n": test["n"],
    }
    assert run["champion_score"]["value"] == CARD["champion"]["test"]["macro_f1"]
    assert run["champion_changed"] is True
    assert set(run["drift"]) == set(CARD["drift"]["measures"])
    assert sum(run["gates"].values()) == len(CARD["gates"])
    assert run["cost_usd"] == CARD["cost"]["jobs_usd"]
    assert len(json.dumps(run)) < 2000


def test_a_run_that_did_nothing() -> None:
    card = report.build_card(RunOutputs(), run_key="x", run_id="y", created_at="2026-11-22T16:00:00+00:00")
    run = timeline.summarize(card)
    assert (run["score"], run["action"], run["drift"], run["champion_changed"]) == (None, None, {}, False)


def test_the_second_look_reads_the_index_alone(bucket: Bucket) -> None:
    assert bucket.timeline() == ["2026-11-01", "2026-11-02", "2026-11-03"]
    assert len(bucket.reads) == 3
    assert bucket.timeline() == ["2026-11-01", "2026-11-02", "2026-11-03"]
    assert bucket.reads == [INDEX]


def test_a_new_card_and_one_that_was_written_again_are_read(bucket: Bucket) -> None:
    bucket.timeline()
    bucket.put_card("2026-11-04")
    bucket.put_card("2026-11-02", status="failed")
    assert bucket.timeline() == ["2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04"]
    assert sorted(bucket.reads) == [f"s3://b/runs/2026-11-0{n}/card.json" for n in (2, 4)] + [INDEX]
    bucket.timeline()
    assert bucket.reads == [INDEX]


def test_a_card_that_was_deleted_is_forgotten(bucket: Bucket) -> None:
    bucket.timeline()
    del bucket.objects["s3://b/runs/2026-11-02/card.json"]
    assert bucket.timeline() == ["2026-11-01", "2026-11-03"]
    assert set(json.loads(bucket.objects[INDEX])["runs"]) == {"2026-11-01", "2026-11-03"}


@pytest.mark.parametrize("index", [b"not JSON", b"[]", b'{"version": 0}'])
def test_an_index_that_is_none_is_made_again(bucket: Bucket, index: bytes) -> None:
    bucket.objects[INDEX] = index
    assert len(bucket.timeline()) == 3
    assert set(json.loads(bucket.objects[INDEX])["runs"]) == {"2026-11-01", "2026-11-02", "2026-11-03"}


def test_an_index_that_another_run_overwrote_heals(bucket: Bucket) -> None:
    bucket.timeline()
    before = bucket.objects[INDEX]
    bucket.put_card("2026-11-04")
    bucket.timeline()
    bucket.objects[INDEX] = before
    assert len(bucket.timeline()) == 4


def test_a_broken_card_costs_only_itself(bucket: Bucket) -> None:
    bucket.objects["s3://b/runs/2026-11-02/card.json"] = b"{"
    bucket.objects["s3://b/runs/2026-11-03/card.json"] = b'{"run_key": 1}'
    assert bucket.timeline() == ["2026-11-01"]
    for _ in ("read", "remembered"):
        found = timeline.read_timeline(cast("Aws", bucket), "b")
        assert found.unreadable == ["2026-11-02", "2026-11-03"]


@pytest.mark.parametrize(
    "changes",
    [{"created_at": 5}, {"cost": {"jobs_usd": "much"}}, {"drift": {"measures": {"psi": {"value": "0"}}}}],
)
def test_a_card_with_words_for_numbers_costs_only_itself(bucket: Bucket, changes: dict[str, Any]) -> None:
    bucket.put_card("2026-11-02", **changes)
    assert bucket.timeline() == ["2026-11-01", "2026-11-03"]


def test_an_interval_that_could_not_be_computed_is_none() -> None:
    test = CARD["contenders"]["autopilot"]["test"]
    unknown = {**test, "intervals": {"macro_f1": [None, None]}}
    contenders = {**CARD["contenders"], "autopilot": {**CARD["contenders"]["autopilot"], "test": unknown}}
    score = timeline.summarize({**CARD, "contenders": contenders})["score"]
    assert score == {"value": test["macro_f1"], "interval": None, "n": test["n"]}


def test_who_may_only_read_still_sees_all(bucket: Bucket) -> None:
    bucket.is_read_only = True
    assert len(bucket.timeline()) == 3


def test_runs_of_another_dag_are_nobodys_business() -> None:
    runs = [{"dag_id": "ours", "run_key": "a"}, {"dag_id": "theirs", "run_key": "b"}]
    assert timeline.of_dag(runs, "ours") == [{"dag_id": "ours", "run_key": "a"}]
