"""Datasets of every format, read as Clarify reads them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from analyzer import config, dataset, explain

if TYPE_CHECKING:
    from pathlib import Path


def settings(**changes: Any) -> config.AnalysisConfig:
    return config.parse(
        {
            "dataset_type": "text/csv",
            "label": "sentiment",
            "label_values_or_threshold": [1],
            "facet": [{"name_or_index": "product_category"}],
            "methods": {"pre_training_bias": {"methods": "all"}},
        }
        | changes
    )


HEADERS = ["sentiment", "review_body", "product_category"]
ROWS = '1,"Nice, really\nnice",Dresses\n-1,null,\n'


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        ("sentiment,review_body,product_category\n" + ROWS, None),
        ("sentiment,review_body,product_category\n" + ROWS, HEADERS),
        (ROWS, HEADERS),
        ("\ufeffsentiment,review_body,product_category\r\n" + ROWS, None),
    ],
)
def test_csv_with_and_without_header(tmp_path: Path, content: str, headers: list[str] | None) -> None:
    (tmp_path / "a.csv").write_text(content, newline="")
    (tmp_path / "_manifest.json").write_text("{}")
    loaded = dataset.load(settings(headers=headers, excluded_columns=[2]), tmp_path)
    assert loaded.frame["sentiment"].tolist() == [1, -1]
    assert loaded.frame["review_body"].tolist() == ["Nice, really\nnice", "null"]
    assert loaded.frame["product_category"].isna().tolist() == [False, True]
    assert loaded.label == "sentiment"
    assert loaded.features == ["review_body"]


def test_csv_without_any_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,good\n0,bad\n")
    loaded = dataset.load(settings(label=0, predicted_label=None), tmp_path)
    assert list(loaded.frame.columns) == ["column_0", "column_1"]
    assert loaded.label == "column_0"


def test_files_follow_each_other_by_name(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "b.csv").write_text("sentiment,product_category\n3,c\n")
    (tmp_path / "a.csv").write_text("sentiment,product_category\n1,a\n2,b\n")
    assert dataset.load(settings(), tmp_path).frame["sentiment"].tolist() == [1, 2, 3]


def test_parquet(tmp_path: Path) -> None:
    pd.DataFrame({"sentiment": [1, 0], "product_category": ["a", "b"]}).to_parquet(tmp_path / "a.parquet")
    loaded = dataset.load(
        settings(dataset_type="application/x-parquet", headers=["sentiment", "kind"]), tmp_path
    )
    assert loaded.frame["kind"].tolist() == ["a", "b"]


def test_json_lines(tmp_path: Path) -> None:
    lines = [{"x": ["good \u2028", "a"], "y": 1, "p": 1}, {"x": ["bad", "b"], "y": -1, "p": 1}]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(line, ensure_ascii=False) for line in lines))
    loaded = dataset.load(
        settings(
            dataset_type="application/jsonlines",
            features="x",
            label="y",
            predicted_label="p",
            headers=["review", "kind", "sentiment"],
        ),
        tmp_path,
    )
    assert loaded.features == ["review", "kind"]
    assert loaded.frame["review"].tolist() == ["good \u2028", "bad"]
    assert loaded.frame[loaded.label].tolist() == [1, -1]
    assert loaded.frame[loaded.predicted_label].tolist() == [1, 1]
    assert list(loaded.frame.columns) == ["review", "kind", "sentiment", "predicted_label"]


JSON = {
    "rows": [
        {"review": "good", "kind": "a", "stars": 1, "model": -1},
        {"review": "bad", "kind": None, "stars": -1, "model": -1},
    ]
}


@pytest.mark.parametrize(
    ("features", "headers", "names"),
    [
        ("rows[*].[review, kind]", ["text", "kind", "label", "guess"], ["text", "kind", "label", "guess"]),
        ("rows[*].[review, kind]", ["text", "kind"], ["text", "kind", "label", "predicted_label"]),
        ("rows[*].[review, kind]", None, ["column_0", "column_1", "label", "predicted_label"]),
        ("rows[*].review", None, ["column_0", "label", "predicted_label"]),
    ],
)
def test_json(tmp_path: Path, features: str, headers: list[str] | None, names: list[str]) -> None:
    for name in "ab":
        (tmp_path / f"{name}.json").write_text(json.dumps(JSON, indent=1))
    changes = {"label": "rows[*].stars", "predicted_label": "rows[*].model", "headers": headers}
    loaded = dataset.load(settings(dataset_type="application/json", features=features, **changes), tmp_path)
    assert list(loaded.frame.columns) == names
    assert (loaded.features, loaded.label) == (names[:-2], names[-2])
    assert loaded.frame[names[0]].tolist() == ["good", "bad"] * 2
    assert loaded.frame[loaded.label].tolist() == [1, -1] * 2
    assert loaded.frame[loaded.predicted_label].tolist() == [-1] * 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": None}, "Data must contain features. Give features, a JMESPath, for application/json"),
        ({"features": "rows["}, "features is 'rows\\[', expected a JMESPath"),
        ({"features": "lines"}, "features finds 'None' in the document, expected a list"),
        ({"label": "rows[0].stars"}, "label finds '1' in the document, expected a list"),
        ({"label": "rows[:1].stars"}, "label finds 1 values in the document, features finds 2 rows"),
        ({"headers": ["text"]}, "Headers in config do not match with the number of columns"),
        ({"headers": ["text", "text"]}, "Columns must have different names"),
        ({"features": "[rows[0].[review], rows[1].[review, kind]]"}, r"have \[2, 3\] values"),
    ],
)
def test_json_that_does_not_fit(tmp_path: Path, changes: Any, message: str) -> None:
    (tmp_path / "a.json").write_text(json.dumps(JSON))
    wanted = {"features": "rows[*].[review, kind]", "label": "rows[*].stars"} | changes
    with pytest.raises(config.AnalyzerError, match=message):
        dataset.load(settings(dataset_type="application/json", **wanted), tmp_path)


@pytest.mark.parametrize(
    ("content", "changes", "message"),
    [
        ("1,2\n", {"headers": HEADERS}, "Headers in config do not match with the number of columns"),
        ("a,b\n1,2\n", {}, "Headers must contain label. 'sentiment' is not among"),
        ("sentiment,b\n", {}, "The dataset has no rows"),
        ("", {}, "The dataset has no rows"),
        ("sentiment,b\n1,2\n", {"excluded_columns": [5]}, "Feature names not found. 5"),
        ("sentiment,b\n1,2,3,4\n1,2\n", {}, "cannot be read as text/csv"),
        ("sentiment,b\n1,\udcff\n", {}, "cannot be read as text/csv"),
        ("{}\n", {"dataset_type": "application/jsonlines"}, "Data must contain features."),
        ("{}{}", {"dataset_type": "application/json", "features": "x"}, "cannot be read as application/json"),
    ],
)
def test_datasets_that_cannot_be_read(tmp_path: Path, content: str, changes: Any, message: str) -> None:
    (tmp_path / "a.csv").write_text(content, errors="surrogateescape")
    with pytest.raises(config.AnalyzerError, match=message):
        dataset.load(settings(**changes), tmp_path)


def test_no_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(config.AnalyzerError, match="No dataset was found"):
        dataset.load(settings(), tmp_path)


@pytest.mark.parametrize(
    ("content", "rows"),
    [("review\nNA\n", [["NA"]]), ("None\n", [["None"]]), ("<UNK>\n", [["<UNK>"]]), ('review\n""\n', [[""]])],
)
def test_a_baseline_of_text_is_read_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, rows: list[list[str]]
) -> None:
    def download(uri: str, directory: Path) -> Path:
        del uri
        (directory / "baseline.csv").write_text(content)
        return directory

    monkeypatch.setattr(dataset, "download", download)
    assert explain.text_baseline("s3://b/baseline.csv", ["review"]) == rows[0]
