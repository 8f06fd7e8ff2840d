"""Bias of files: the same figures as in memory, from CSV and Parquet, on one instance and on several."""

from __future__ import annotations

import io
import json
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from analyzer import bias, bias_files, cluster, config, dataset
from analyzer.facet_counts import MetricError
from analyzer.flips import flip_test

if TYPE_CHECKING:
    from pathlib import Path


def settings(**changes: Any) -> config.AnalysisConfig:
    return config.parse(
        {
            "dataset_type": "text/csv",
            "label": "label",
            "predicted_label": "predicted",
            "label_values_or_threshold": [1],
            "facet": [{"name_or_index": "kind"}, {"name_or_index": "age", "value_or_threshold": [40]}],
            "group_variable": "region",
            "methods": {
                "pre_training_bias": {"methods": "all"},
                "post_training_bias": {"methods": ["DI", "AD", "CDDPL"]},
            },
        }
        | changes
    )


def rows(number: int = 500) -> pd.DataFrame:
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({"label": draw.integers(0, 2, number), "predicted": draw.integers(0, 2, number)})
    frame["kind"] = draw.choice(np.array(["b", "a", 'say "hi",\nthere', None], dtype=object), number)
    frame["age"] = draw.integers(18, 90, number)
    frame["region"] = draw.choice(["n", "s"], number)
    frame["review"] = "a review, with a comma"
    return frame


def in_memory(parsed: config.AnalysisConfig, directory: Path) -> dict[str, Any]:
    loaded = dataset.load(parsed, directory)
    return bias.analyze(parsed, loaded, loaded.frame["predicted"]).sections


@pytest.mark.parametrize("kind", ["text/csv", "application/x-parquet"])
def test_files_count_as_tables_in_memory_do(tmp_path: Path, kind: str) -> None:
    parsed, frame = settings(dataset_type=kind), rows()
    for index, part in enumerate((frame[:200], frame[200:])):
        if kind == "text/csv":
            part.to_csv(tmp_path / f"{index}.csv", index=False)
        else:
            part.to_parquet(tmp_path / f"{index}.parquet")
    assert bias_files.can(parsed)
    found = bias_files.analyze(parsed, tmp_path, cluster.Cluster())
    assert found is not None
    assert found.sections == in_memory(parsed, tmp_path)
    facets = found.sections["pre_training_bias_metrics"]["facets"]
    assert [entry["value_or_threshold"] for entry in facets["kind"]] == [
        "nan" if pd.isna(value) else value for value in frame["kind"].unique()
    ]
    assert facets["age"][0]["value_or_threshold"] == "(40, 89]"


def test_a_file_with_a_broken_row_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("label,predicted,kind,age,region\n1,1,a,20,n\n1,1,a\n")
    with pytest.raises(config.AnalyzerError, match="a.csv cannot be read as text/csv"):
        bias_files.analyze(settings(), tmp_path, cluster.Cluster())


@pytest.mark.parametrize(
    ("changes", "possible"),
    [
        ({"dataset_type": "application/jsonlines", "features": "x"}, False),
        ({"methods": {"post_training_bias": {"methods": "all"}}}, False),
        ({"methods": {"post_training_bias": {"methods": ["FT"]}}}, False),
        ({"methods": {"pre_training_bias": {"methods": "all"}}}, True),
    ],
)
def test_what_needs_the_rows_themselves_is_not_only_counted(changes: Any, possible: bool) -> None:
    assert bias_files.can(settings(**changes)) is possible


class Bucket:
    """S3 as far as instances need it to work together."""

    class exceptions:  # noqa: N801 - boto3's name
        class NoSuchKey(Exception):  # noqa: N818
            pass

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
        self.objects[Key] = Body

    def get_object(self, Bucket: str, Key: str) -> Any:  # noqa: N803
        if Key not in self.objects:
            raise self.exceptions.NoSuchKey
        return {"Body": io.BytesIO(self.objects[Key])}

    def delete_object(self, Bucket: str, Key: str) -> None:  # noqa: N803
        self.objects.pop(Key, None)

    def get_paginator(self, name: str) -> Any:
        return self

    def paginate(self, Bucket: str, Prefix: str) -> Any:  # noqa: N803
        return [{"Contents": [{"Key": key} for key in list(self.objects) if key.startswith(Prefix)]}]


@pytest.mark.parametrize("replicated", [True, False])
def test_three_instances_find_what_one_does(tmp_path: Path, replicated: bool) -> None:
    parsed, frame, bucket = settings(), rows(), Bucket()
    whole = tmp_path / "whole"
    whole.mkdir()
    frame.to_csv(whole / "a.csv", index=False)
    found: list[Any] = [None] * 3

    def run(index: int) -> None:
        directory = whole
        if not replicated:
            directory = tmp_path / str(index)
            directory.mkdir()
            frame.iloc[index * 200 : (index + 1) * 200].to_csv(directory / "a.csv", index=False)
        one = cluster.Cluster(index, 3, replicated, cluster.Exchange(bucket, "b", "out/.exchange/job", index))
        found[index] = bias_files.analyze(parsed, directory, one)
        one.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in (2, 1, 0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[1:] == [None, None]

    def by_value(sections: Any) -> Any:
        return {
            (facet, entry["value_or_threshold"], metric["name"]): metric["value"]
            for section in sections.values()
            for facet, entries in section["facets"].items()
            for entry in entries
            for metric in entry["metrics"]
        }

    expected = by_value(in_memory(parsed, whole))
    assert by_value(found[0].sections) == pytest.approx(expected, abs=1e-12)
    assert sum(value is not None for value in expected.values()) > 40
    assert not bucket.objects


def test_an_instance_that_fails_is_not_waited_for(tmp_path: Path) -> None:
    bucket = Bucket()
    leader = cluster.Cluster(0, 2, True, cluster.Exchange(bucket, "b", "p", 0))
    helper = cluster.Cluster(1, 2, True, cluster.Exchange(bucket, "b", "p", 1))
    helper.failed("no memory left")
    own = tmp_path / "own"
    own.write_bytes(b"")
    with pytest.raises(config.AnalyzerError, match="Instance 2 failed: no memory left"):
        leader.gather("counts", own, tmp_path)
    helper.close()
    leader.close()


def test_an_instance_that_falls_silent_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "SILENCE_SECONDS", 0.2)
    leader = cluster.Cluster(0, 2, True, cluster.Exchange(Bucket(), "b", "p", 0))
    with pytest.raises(config.AnalyzerError, match="Instance 2 has not been heard of"):
        leader.gather("counts", tmp_path, tmp_path)
    leader.close()


def test_who_takes_part_is_read_where_sagemaker_writes_it(tmp_path: Path) -> None:
    assert cluster.of_job(tmp_path) == cluster.Cluster()
    hosts = {"current_host": "algo-1", "hosts": ["algo-1", "algo-2"]}
    (tmp_path / "resourceconfig.json").write_text(json.dumps(hosts))
    with pytest.raises(config.AnalyzerError, match="Several instances need an S3 output"):
        cluster.of_job(tmp_path)
    (tmp_path / "resourceconfig.json").write_text(json.dumps(hosts | {"hosts": ["algo-1"]}))
    assert cluster.of_job(tmp_path).size == 1


def flips(x: Any, sensitive: Any, predicted: Any) -> float:
    return flip_test(pd.DataFrame({"x": x}), np.array(sensitive, dtype=bool), np.array(predicted, dtype=bool))


def test_the_flip_test_compares_with_the_nearest_of_the_others() -> None:
    # Fewer than ten others: the nearest one decides. Accepted here where the neighbour is not, once of two.
    assert flips([0, 1, 10, 0.1, 9.9], [0, 0, 0, 1, 1], [0, 0, 1, 1, 1]) == 0.5
    assert flips([0, 1, 10, 0.1, 9.9], [0, 0, 0, 1, 1], [0, 0, 1, 1, 0]) == 0.0
    # From ten others on it is the majority of five.
    others = [0.0, 0.1, 0.2, 0.3, 0.4, *range(10, 15)]
    here = [0.0]
    accepted = [1, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert flips([*others, *here], [0] * 10 + [1], [*accepted, 1]) == 1.0
    assert flips([*others[:9], *here], [0] * 9 + [1], [*accepted[:9], 1]) == 0.0


@pytest.mark.parametrize(
    ("x", "sensitive", "message"),
    [
        (["a", "b"], [0, 1], "FlipTest does not support non-numeric columns"),
        ([1.0, 2.0], [0, 0], "Facet set is empty"),
        ([1.0, 2.0], [1, 1], "Negated Facet set is empty"),
        ([1.0, None], [1, 0], "Input X contains NaN"),
    ],
)
def test_the_flip_test_says_why_it_cannot(x: Any, sensitive: Any, message: str) -> None:
    with pytest.raises(MetricError, match=message):
        flips(x, sensitive, [1, 0])
