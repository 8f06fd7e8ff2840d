"""Training, validation and test rows, and the forms in which each job wants them.

Decisions, and why:

* A review's side is a hash of its normalised text. The same text is always on the same side, within a run and
  between runs, so no contender and no champion is ever tested on a text that any of them was trained on.
* Equal texts count once. When people labelled the same text differently the majority decides; without a
  majority the text teaches nothing and is left out.
* Training and validation rows are balanced by undersampling the more frequent sentiments to at most
  ``maximum_class_ratio`` times the rarest; which reviews stay is a seeded hash, not a draw, so neither the
  order of the rows nor a library version changes it.
* Test rows keep the shares of real life. Metrics that decide (macro F1, balanced accuracy) weigh the three
  sentiments equally whatever the shares; accuracy and the confusion matrix then say what users will see.
* Autopilot splits off its own validation rows, so it is given training and validation rows together.
* BlazingText has no class weights. It is given all training reviews, rarer sentiments repeated by
  ``repeated_class_ratio``: nothing is thrown away, and on AWS it works the same. Autopilot cannot be given
  repeats, because a review would be on both sides of its folds.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sentiment_retrain.data.balancing import LABELS as LABELS
from sentiment_retrain.data.balancing import first_by_seed, repeat, row_key, undersample
from sentiment_retrain.data.facet_names import facet_name
from sentiment_retrain.data.text import fold_white_space, normalize
from sentiment_retrain.errors import TooFewRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from sentiment_retrain.settings import Settings
    from sentiment_retrain.settings.schema import Datasets as DatasetSettings

AUTOPILOT_COLUMNS = ("sentiment", "review_body")
BIAS_COLUMNS = ("sentiment", "product_category", "review_length")
TEST_LABEL_COLUMNS = ("review_id", "sentiment", "product_category", "review_length")
POST_TRAINING_BIAS_COLUMNS = ("sentiment", "predicted_sentiment", "product_category", "review_length")
SHAP_COLUMNS = ("review_body",)
FILE_NAMES: Mapping[str, str] = {
    "autopilot_train": "autopilot/train.csv",
    "blazingtext_train": "blazingtext/train.txt",
    "blazingtext_validation": "blazingtext/validation.txt",
    "test_input": "test/input.csv",
    "test_labels": "test/labels.csv",
    "bias": "analysis/bias.csv",
    "shap_sample": "analysis/shap_sample.csv",
}
_SHORT_WORDS, _MEDIUM_WORDS = 20, 60


@dataclass(frozen=True)
class Datasets:
    """The rows of each side, sorted by their hash.

    Frames have the curated columns plus ``text`` (white space folded), ``tokens`` (normalised) and
    ``review_length`` (short, medium, long). ``repeated`` is BlazingText's training file: rows of the rarer
    sentiments several times, in an order of its own.
    """

    train: pd.DataFrame
    repeated: pd.DataFrame
    validation: pd.DataFrame
    test: pd.DataFrame
    manifest: dict[str, Any]


def build_datasets(curated: pd.DataFrame, settings: Settings) -> Datasets:
    """Split and balance curated reviews.

    :param curated: frame with at least review_id, review_body, product_category and sentiment
    :raises TooFewRows: when a sentiment is missing on a side, or fewer rows are left than settings demand
    """
    rules = settings.datasets
    unique, dropped = _unique_texts(curated, rules.salt)
    position = unique["_key"].map(_position)
    boundary = rules.test_fraction + rules.validation_fraction
    sides = {
        "test": unique[position < rules.test_fraction],
        "validation": unique[(position >= rules.test_fraction) & (position < boundary)],
        "train": unique[position >= boundary],
    }
    _require_every_label(sides)
    test = sides["test"]
    if rules.maximum_test_rows is not None:
        test = first_by_seed(test, rules.maximum_test_rows, rules.seed)
    train = undersample(sides["train"], rules, rules.maximum_train_rows_per_class)
    validation = undersample(sides["validation"], rules, None)
    _require_enough(train, validation, test, rules)
    repeated = repeat(sides["train"], train, rules)
    finished = {"train": _finished(train), "validation": _finished(validation), "test": _finished(test)}
    manifest = {
        "rows_received": len(curated),
        "rows": {side: len(frame) for side, frame in finished.items()},
        "label_counts": {side: label_counts(frame["sentiment"]) for side, frame in finished.items()},
        "label_counts_received": label_counts(curated["sentiment"]),
        "dropped": {
            **dropped,
            "by_balancing": len(sides["train"]) + len(sides["validation"]) - len(train) - len(validation),
            "beyond_maximum_test_rows": len(sides["test"]) - len(test),
        },
        "split": {"salt": rules.salt, "test": rules.test_fraction, "validation": rules.validation_fraction},
        "balance": {
            "maximum_class_ratio": rules.maximum_class_ratio,
            "repeated_class_ratio": rules.repeated_class_ratio,
            "blazingtext_lines": label_counts(repeated["sentiment"]),
            "seed": rules.seed,
        },
    }
    return Datasets(manifest=manifest, repeated=_finished(repeated), **finished)


def dataset_files(datasets: Datasets, settings: Settings) -> dict[str, bytes]:
    """Content of every file of :data:`FILE_NAMES`, by its key. All text is UTF-8, lines end in ``\\n``."""
    import pandas as pd

    seen_in_training = pd.concat([datasets.train, datasets.validation])
    sample = stratified_sample(datasets.test, settings.datasets.shap_rows, settings.datasets.seed)
    return {
        "autopilot_train": autopilot_csv(seen_in_training),
        "blazingtext_train": blazingtext_lines(datasets.repeated),
        "blazingtext_validation": blazingtext_lines(datasets.validation),
        "test_input": request_csv(datasets.test["text"]),
        "test_labels": _csv(datasets.test[list(TEST_LABEL_COLUMNS)]),
        "bias": bias_csv(seen_in_training),
        "shap_sample": shap_csv(sample["text"]),
    }


def split_of(normalized: str, rules: DatasetSettings) -> str:
    """The side, ``train``, ``validation`` or ``test``, of a normalised text."""
    position = _position(row_key(normalized, rules.salt))
    if position < rules.test_fraction:
        return "test"
    return "validation" if position < rules.test_fraction + rules.validation_fraction else "train"


def label_counts(labels: Iterable[int]) -> dict[str, int]:
    """Rows by sentiment, keys in the order -1, 0, 1, zeros included."""
    counts = dict.fromkeys(map(str, LABELS), 0)
    for label in labels:
        counts[str(int(label))] += 1
    return counts


def review_length(tokens: str) -> str:
    """``short``, ``medium`` or ``long``, by the number of tokens: the group of the CDDL bias metric."""
    words = tokens.count(" ") + 1
    if words < _SHORT_WORDS:
        return "short"
    return "medium" if words <= _MEDIUM_WORDS else "long"


def autopilot_csv(frame: pd.DataFrame) -> bytes:
    """``sentiment,review_body`` with a header, as Autopilot's tabular mode reads it."""
    return _csv(frame[["sentiment", "text"]].set_axis(list(AUTOPILOT_COLUMNS), axis="columns"))


def blazingtext_lines(frame: pd.DataFrame) -> bytes:
    """``__label__<sentiment> <tokens>``, a review a line (BlazingText supervised, File mode)."""
    lines = [
        f"__label__{label} {tokens}\n"
        for label, tokens in zip(frame["sentiment"], frame["tokens"], strict=True)
    ]
    return "".join(lines).encode("utf-8")


def request_csv(texts: Iterable[str]) -> bytes:
    """Reviews as requests of the serving contract: one quoted column, no header."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([fold_white_space(text)] for text in texts)
    return buffer.getvalue().encode("utf-8")


def bias_csv(frame: pd.DataFrame) -> bytes:
    """Label, facet and group of each row, with a header: input of the pre-training bias analysis."""
    return _csv(_with_facet_names(frame[list(BIAS_COLUMNS)]))


def post_training_bias_csv(test_labels: pd.DataFrame, predicted: Sequence[int]) -> bytes:
    """The test rows' labels beside the predictions, with a header: input of the post-training bias analysis.

    :param test_labels: frame of the ``test_labels`` file
    :param predicted: predicted sentiment of each of its rows, in order
    """
    frame = test_labels.assign(predicted_sentiment=list(predicted))
    return _csv(_with_facet_names(frame[list(POST_TRAINING_BIAS_COLUMNS)]))


def shap_csv(texts: Iterable[str]) -> bytes:
    """Reviews to explain: one quoted column ``review_body`` with a header."""
    return f'"{SHAP_COLUMNS[0]}"\n'.encode() + request_csv(texts)


def stratified_sample(frame: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """At most ``rows`` rows of a finished frame, equally many of each sentiment, in order of sentiment."""
    import pandas as pd

    each = max(1, rows // len(LABELS))
    keyed = frame.assign(_key=[row_key(tokens, "sample") for tokens in frame["tokens"]])
    parts = [first_by_seed(keyed[keyed["sentiment"] == label], each, seed) for label in LABELS]
    return pd.concat(parts).drop(columns="_key")


def _unique_texts(curated: pd.DataFrame, salt: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """One row a normalised text, with the label of the majority; and how many rows that dropped."""
    frame = curated.assign(tokens=[normalize(text) for text in curated["review_body"]])
    frame["_key"] = [row_key(tokens, salt) for tokens in frame["tokens"]]
    votes = frame.groupby(["_key", "sentiment"]).size().unstack(fill_value=0)
    most = votes.max(axis="columns")
    undecided = votes.index[votes.eq(most, axis="index").sum(axis="columns") > 1]
    majority = votes.idxmax(axis="columns")
    agreed = frame[frame["sentiment"].eq(frame["_key"].map(majority)) & ~frame["_key"].isin(undecided)]
    # Of equal rows the one with the smallest id stays, whatever order they came in.
    unique = agreed.sort_values(["_key", "review_id"], kind="stable").drop_duplicates("_key")
    dropped = {
        "duplicates": len(agreed) - len(unique),
        "outvoted": len(frame) - len(agreed) - int(frame["_key"].isin(undecided).sum()),
        "undecided": int(frame["_key"].isin(undecided).sum()),
    }
    return unique, dropped


def _finished(frame: pd.DataFrame) -> pd.DataFrame:
    finished = frame.drop(columns="_key").reset_index(drop=True)
    return finished.assign(
        text=[fold_white_space(text) for text in finished["review_body"]],
        review_length=[review_length(tokens) for tokens in finished["tokens"]],
    )


def _position(key: str) -> float:
    """A key as a number in [0, 1)."""
    return int(key[:13], 16) / 16.0**13


def _with_facet_names(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(product_category=frame["product_category"].map(facet_name))


def _csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False, lineterminator="\n").encode("utf-8")


def _require_every_label(sides: Mapping[str, pd.DataFrame]) -> None:
    for side, frame in sides.items():
        counts = label_counts(frame["sentiment"])
        missing = [label for label, count in counts.items() if count == 0]
        if missing:
            raise TooFewRows(
                observed=f"the {side} rows have no review of sentiment {', '.join(missing)} ({counts})",
                expected="reviews of every sentiment (-1, 0, 1) on every side",
            )


def _require_enough(
    train: pd.DataFrame, validation: pd.DataFrame, test: pd.DataFrame, rules: DatasetSettings
) -> None:
    rows = len(train) + len(validation)
    if rows < rules.minimum_rows:
        raise TooFewRows(
            observed=f"{rows} rows to train and validate on, after balancing",
            expected=f"at least {rules.minimum_rows} (`datasets.minimum_rows`; Autopilot needs 500)",
        )
    rarest = min(label_counts(test["sentiment"]).items(), key=lambda item: item[1])
    if rarest[1] < rules.minimum_test_rows_per_class:
        raise TooFewRows(
            observed=f"{rarest[1]} test rows of sentiment {rarest[0]}",
            expected=f"at least {rules.minimum_test_rows_per_class} (`datasets.minimum_test_rows_per_class`)",
        )
