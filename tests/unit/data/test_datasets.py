"""No text on two sides, no chance in what is chosen, every form as its job reads it."""

from __future__ import annotations

import collections
import csv
import io
import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sentiment_retrain.data import datasets
from sentiment_retrain.errors import TooFewRows

from .. import samples

SMALL = {"datasets": {"minimum_rows": 30, "minimum_test_rows_per_class": 5}}
SETTINGS = samples.settings(**SMALL)


@pytest.fixture(scope="module")
def built() -> datasets.Datasets:
    return datasets.build_datasets(samples.curated(900), SETTINGS)


def test_no_text_is_on_two_sides(built: datasets.Datasets) -> None:
    sides = [set(frame["tokens"]) for frame in (built.train, built.validation, built.test)]
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]
    assert not sides[1] & sides[2]


def test_training_is_balanced_and_the_test_is_as_in_life(built: datasets.Datasets) -> None:
    for side in ("train", "validation"):
        counts = built.manifest["label_counts"][side].values()
        assert max(counts) <= SETTINGS.datasets.maximum_class_ratio * min(counts)
    test = built.manifest["label_counts"]["test"]
    assert test["1"] > 2 * test["-1"]


@pytest.mark.parametrize(("ratio", "share_kept"), [(1.0, 3), (1.5, 3.3), (None, 4.2)])
def test_ratio_of_the_sentiments_is_what_is_asked_for(ratio: float | None, share_kept: float) -> None:
    rules = {**SMALL["datasets"], "maximum_class_ratio": ratio}
    built = datasets.build_datasets(samples.curated(900), samples.settings(datasets=rules))
    kept = built.manifest["label_counts"]["train"].values()
    assert sum(kept) / min(kept) >= share_kept
    if ratio is not None:
        assert max(kept) == int(ratio * min(kept))


def test_blazingtext_trains_on_all_rows_with_the_rarer_sentiments_repeated() -> None:
    rules = {**SMALL["datasets"], "maximum_class_ratio": 2, "repeated_class_ratio": 1.5}
    configured = samples.settings(datasets=rules)
    built = datasets.build_datasets(samples.curated(900), configured)
    lines = datasets.dataset_files(built, configured)["blazingtext_train"].decode().splitlines()
    counts = collections.Counter(line.split()[0] for line in lines)
    most = max(counts.values())
    expected = {f"__label__{label}": n for label, n in built.manifest["balance"]["blazingtext_lines"].items()}
    assert counts == expected
    assert min(counts.values()) == math.ceil(most / 1.5)
    assert counts.most_common(1)[0][0] == "__label__1"
    # What balancing leaves out is there; no review is repeated much more often than another of its kind.
    once = collections.Counter(lines)
    assert set(built.train["tokens"]) < {line.partition(" ")[2] for line in once}
    for label in ("-1", "0", "1"):
        times = [count for line, count in once.items() if line.startswith(f"__label__{label} ")]
        assert max(times) - min(times) <= 1
    # Repeats are not behind one another: half of the file has half of each sentiment.
    half = collections.Counter(line.split()[0] for line in lines[: len(lines) // 2])
    assert all(0.35 < half[name] / count < 0.65 for name, count in counts.items())
    assert not {line.partition(" ")[2] for line in once} & {
        *built.test["tokens"],
        *built.validation["tokens"],
    }


def test_without_a_ratio_blazingtext_trains_on_the_balanced_rows() -> None:
    configured = samples.settings(datasets={**SMALL["datasets"], "repeated_class_ratio": None})
    built = datasets.build_datasets(samples.curated(900), configured)
    assert list(built.repeated["tokens"]) == list(built.train["tokens"])


def test_every_row_is_accounted_for(built: datasets.Datasets) -> None:
    manifest = built.manifest
    assert (
        sum(manifest["rows"].values()) + sum(manifest["dropped"].values()) == manifest["rows_received"] == 900
    )


@hypothesis_settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_order_of_the_rows_does_not_matter(seed: int) -> None:
    rows = samples.curated(400)
    one = datasets.dataset_files(datasets.build_datasets(rows, SETTINGS), SETTINGS)
    shuffled = rows.sample(frac=1, random_state=seed)
    other = datasets.dataset_files(datasets.build_datasets(shuffled, SETTINGS), SETTINGS)
    assert one == other


def test_more_reviews_move_no_review_to_another_side() -> None:
    before = datasets.build_datasets(samples.curated(500), SETTINGS)
    more = pd.concat([samples.curated(500), samples.curated(500, seed=1)])
    after = datasets.build_datasets(more, SETTINGS)
    assert set(before.test["tokens"]) <= set(after.test["tokens"])
    assert not set(before.test["tokens"]) & set(after.train["tokens"])


def test_another_salt_splits_otherwise_and_another_seed_chooses_otherwise(built: datasets.Datasets) -> None:
    rows = samples.curated(900)
    salted = samples.settings(datasets={**SMALL["datasets"], "salt": "other"})
    seeded = samples.settings(datasets={**SMALL["datasets"], "seed": 43})
    assert set(datasets.build_datasets(rows, salted).test["tokens"]) != set(built.test["tokens"])
    other = datasets.build_datasets(rows, seeded)
    assert set(other.test["tokens"]) == set(built.test["tokens"])
    assert set(other.train["tokens"]) != set(built.train["tokens"])


def labelled(text: str, labels: list[int]) -> pd.DataFrame:
    rows = samples.curated(len(labels), seed=99)
    return rows.assign(review_body=text, sentiment=labels)


def test_equal_texts_count_once_and_the_majority_decides() -> None:
    rows = pd.concat(
        [
            samples.curated(400),
            labelled("Same text.", [1, 1, -1]),
            labelled("Undecided", [1, -1]),
            labelled("same  TEXT .", [1]),
        ]
    )
    result = datasets.build_datasets(
        rows, samples.settings(datasets={**SMALL["datasets"], "maximum_class_ratio": None})
    )
    assert result.manifest["dropped"]["duplicates"] == 2
    assert result.manifest["dropped"]["outvoted"] == 1
    assert result.manifest["dropped"]["undecided"] == 2
    everything = pd.concat([result.train, result.validation, result.test])
    assert everything.loc[everything["tokens"] == "same text .", "sentiment"].tolist() == [1]
    assert not (everything["tokens"] == "undecided").any()


@given(st.text(min_size=1))
def test_side_of_a_text_is_one_of_three(text: str) -> None:
    assert datasets.split_of(text, SETTINGS.datasets) in ("train", "validation", "test")


def test_shares_of_the_sides_are_those_asked_for() -> None:
    sides = pd.Series([datasets.split_of(str(n), SETTINGS.datasets) for n in range(20_000)])
    shares = sides.value_counts(normalize=True)
    assert shares["test"] == pytest.approx(0.2, abs=0.01)
    assert shares["validation"] == pytest.approx(0.1, abs=0.01)


def test_limits_on_rows_are_kept() -> None:
    limits = {**SMALL["datasets"], "maximum_test_rows": 50, "maximum_train_rows_per_class": 20}
    result = datasets.build_datasets(samples.curated(900), samples.settings(datasets=limits))
    assert result.manifest["rows"]["test"] == 50
    assert result.manifest["label_counts"]["train"] == {"-1": 20, "0": 20, "1": 20}


def test_a_missing_sentiment_is_told() -> None:
    rows = samples.curated(300)
    with pytest.raises(TooFewRows, match="no review of sentiment 0"):
        datasets.build_datasets(rows[rows["sentiment"] != 0], SETTINGS)


def test_too_few_rows_are_told_before_autopilot_does() -> None:
    with pytest.raises(TooFewRows, match="datasets.minimum_rows"):
        datasets.build_datasets(samples.curated(300), samples.settings())


def test_too_few_test_rows_of_a_sentiment_are_told() -> None:
    strict = samples.settings(datasets={"minimum_rows": 30, "minimum_test_rows_per_class": 100})
    with pytest.raises(TooFewRows, match="minimum_test_rows_per_class"):
        datasets.build_datasets(samples.curated(300), strict)


def test_files_are_of_the_forms_their_jobs_read(built: datasets.Datasets) -> None:
    files = datasets.dataset_files(built, SETTINGS)
    assert set(files) == set(datasets.FILE_NAMES)
    rows = built.manifest["rows"]
    autopilot = list(csv.reader(io.StringIO(files["autopilot_train"].decode())))
    assert autopilot[0] == ["sentiment", "review_body"]
    assert len(autopilot) - 1 == rows["train"] + rows["validation"]
    lines = files["blazingtext_train"].decode().splitlines()
    assert len(lines) == sum(built.manifest["balance"]["blazingtext_lines"].values()) > rows["train"]
    assert all(line.split(" ")[0] in ("__label__-1", "__label__0", "__label__1") for line in lines)
    assert len(files["blazingtext_validation"].decode().splitlines()) == rows["validation"]


def test_test_rows_and_labels_go_together(built: datasets.Datasets) -> None:
    files = datasets.dataset_files(built, SETTINGS)
    texts = [row[0] for row in csv.reader(io.StringIO(files["test_input"].decode()))]
    labels = pd.read_csv(io.BytesIO(files["test_labels"]))
    assert list(labels.columns) == list(datasets.TEST_LABEL_COLUMNS)
    assert texts == built.test["text"].tolist()
    assert labels["sentiment"].tolist() == built.test["sentiment"].tolist()


def test_explained_reviews_are_unseen_and_of_every_sentiment(built: datasets.Datasets) -> None:
    files = datasets.dataset_files(built, SETTINGS)
    shown = list(csv.reader(io.StringIO(files["shap_sample"].decode())))
    assert shown[0] == ["review_body"]
    by_text = built.test.set_index("text")["sentiment"]
    assert by_text[[row[0] for row in shown[1:]]].value_counts().to_dict() == {-1: 8, 0: 8, 1: 8}


def test_bias_file_has_label_facet_and_group(built: datasets.Datasets) -> None:
    frame = pd.read_csv(io.BytesIO(datasets.bias_csv(built.train)))
    assert list(frame.columns) == ["sentiment", "product_category", "review_length"]
    predicted = datasets.post_training_bias_csv(built.test, [1] * len(built.test))
    assert list(pd.read_csv(io.BytesIO(predicted)).columns) == list(datasets.POST_TRAINING_BIAS_COLUMNS)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=8))
def test_each_request_is_one_line_that_reads_back(texts: list[str]) -> None:
    content = datasets.request_csv(texts).decode()
    rows = list(csv.reader(io.StringIO(content, newline="")))
    assert [row[0] for row in rows] == [" ".join(text.replace("\0", " ").split()) for text in texts]
    assert content.count("\n") == len(texts)


@pytest.mark.parametrize(
    ("words", "group"), [(1, "short"), (19, "short"), (20, "medium"), (60, "medium"), (61, "long")]
)
def test_review_length_groups(words: int, group: str) -> None:
    assert datasets.review_length(" ".join(["word"] * words)) == group


def test_labels_are_counted_in_order_with_zeros() -> None:
    assert list(datasets.label_counts([1, 1, -1]).items()) == [("-1", 1), ("0", 0), ("1", 2)]
