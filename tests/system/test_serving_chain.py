"""Whatever is sent to the chain of containers: never a 5xx, never a row too many or in another place.

Two hundred requests by default; ``FUZZ=10000`` (``make fuzz``) is the long form. What a good request is to
be answered comes from the model alone, in one process, which is given the texts and parses nothing.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from serving_chain import ENDPOINT, Chain

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLES = int(os.environ.get("FUZZ", "200"))
pytestmark = [pytest.mark.timeout(600 if EXAMPLES <= 1000 else 7200)]
fuzzed = settings(
    max_examples=-(-EXAMPLES // 3),
    deadline=None,
    database=None,
    # The chain is one for all requests, on purpose.
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)

CSV, JSON_LINES = "text/csv", "application/jsonlines"
# A refusal says what is wrong with which record, or with which header.
NAMES_ITS_REASON = re.compile(r"^(Record \d+ |Line \d+ |Content type '|Accept ')")

words = st.sampled_from(
    ["love", "awful", "okay", "torn", "great", "__label__1", "don't", '"', ",", "\n", "\r\n"]
)
texts = (
    st.lists(words, max_size=12).map(" ".join)
    | st.text(max_size=60)
    | st.text(alphabet=st.characters(categories=["Cc", "Cf", "Zl", "Zp", "Zs", "So", "Mn"]), max_size=20)
    | st.sampled_from(["", " ", "\x00", "\ufeff", "love " * 200, "😀👍🏽"])
)
encodable = texts.map(lambda text: text.encode("utf-8", "replace").decode())
batches = st.lists(texts, min_size=1, max_size=30)


class Answer(NamedTuple):
    """``status`` is the container's where it refused."""

    status: int
    body: str


@pytest.fixture(scope="module")
def chain() -> Iterator[Chain]:
    """The chain behind an endpoint, and the model alone."""
    with Chain() as running:
        yield running


@pytest.fixture(scope="module")
def seen() -> Iterator[Counter[str]]:
    """How many requests had which status, by kind; printed with ``-s``."""
    counted: Counter[str] = Counter()
    yield counted
    sys.stdout.write("\n" + "".join(f"{kind}: {count}\n" for kind, count in sorted(counted.items())))


def invoke(chain: Chain, body: bytes, content_type: str, accept: str = CSV) -> Answer:
    """One request; a hang is the client's time-out, and an error that no container answered is raised."""
    try:
        answer = chain.runtime.invoke_endpoint(
            EndpointName=ENDPOINT, Body=body, ContentType=content_type, Accept=accept
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ModelError":
            raise
        refused: Any = error.response
        return Answer(refused["OriginalStatusCode"], refused["OriginalMessage"])
    return Answer(200, answer["Body"].read().decode())


def expected(chain: Chain, reviews: list[str]) -> list[list[str]]:
    """The rows that the model alone answers to these texts."""
    answered = chain.ask_direct(json.dumps(reviews).encode(), "application/json").decode()
    return list(csv.reader(io.StringIO(answered, newline="")))


def rows_of(answer: Answer) -> list[list[str]]:
    assert answer.status == 200, answer
    return list(csv.reader(io.StringIO(answer.body, newline="")))


def as_csv(reviews: list[str], quoting: Any) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=quoting, lineterminator="\n").writerows([review] for review in reviews)
    return buffer.getvalue().encode()


@fuzzed
@given(st.lists(encodable, min_size=1, max_size=30), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
@example(["\r0", "a\rb"], csv.QUOTE_MINIMAL)
@example(["love " * 20_000, "x" * 100_000, '"' * 100_000, "\n" * 100_000, "fine"], csv.QUOTE_ALL)
def test_csv_is_answered_row_by_row(
    chain: Chain, seen: Counter[str], reviews: list[str], quoting: Any
) -> None:
    answer = invoke(chain, as_csv(reviews, quoting), CSV)
    seen[f"CSV, answered {answer.status}"] += 1
    assert rows_of(answer) == expected(chain, reviews)


@fuzzed
@given(batches, st.sampled_from([JSON_LINES, "application/x-jsonlines; charset=utf-8"]), st.booleans())
@example(["half a pair \ud83d", "\udc00"], JSON_LINES, True)
def test_json_lines_are_answered_row_by_row(
    chain: Chain, seen: Counter[str], reviews: list[str], content_type: str, ascii_only: bool
) -> None:
    # A lone surrogate can be written as an escape only.
    ascii_only = ascii_only or any("\ud800" <= letter <= "\udfff" for text in reviews for letter in text)
    lines = [json.dumps({"features": [review]}, ensure_ascii=ascii_only) for review in reviews]
    answer = invoke(chain, "\n".join(lines).encode(), content_type, JSON_LINES)
    seen[f"JSON Lines, answered {answer.status}"] += 1
    assert answer.status == 200, answer
    answered = [json.loads(line) for line in answer.body.splitlines()]
    wanted = expected(chain, reviews)
    assert [[row["predicted_label"], json.dumps(row["probabilities"])] for row in answered] == [
        [row[0], row[2]] for row in wanted
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
json_bodies = st.lists(
    json_values.map(json.dumps)
    | st.fixed_dictionaries({"features": json_values}).map(json.dumps)
    | st.text(min_size=1, max_size=20)
    | st.just('{"features": ["good"]}'),
    min_size=1,
    max_size=5,
).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass"))
any_bodies = st.binary(min_size=1, max_size=200) | st.text(min_size=1, max_size=100).map(
    lambda text: text.encode(errors="replace")
)
csv_bodies = st.text(alphabet='a",\r\n \x00é', min_size=1, max_size=40).map(str.encode)
content_types = st.sampled_from(
    [
        CSV,
        JSON_LINES,
        "text/csv; charset=utf-8",
        "TEXT/CSV",
        "application/json",
        "image/png",
        "x",
        "text/plain",
    ]
)
accepts = st.sampled_from(
    [CSV, JSON_LINES, "*/*", "text/*", "text/csv, */*;q=0.1", "image/png", "application/json"]
)


@fuzzed
@given(json_bodies | any_bodies | csv_bodies, content_types, accepts)
@example(b"[" * 100_000, JSON_LINES, CSV)
@example(b'{"features": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", JSON_LINES, CSV)
@example(b'{"features": [' + b"9" * 10_000 + b"]}", JSON_LINES, CSV)
@example(b"good\n\xff\xfe\nbad", CSV, CSV)
@example(b"good\n\xff\xfe\nbad", "text/csv; charset=utf-8", CSV)
@example(b"\n" * 10_000, CSV, CSV)
def test_anything_else_is_answered_or_refused_with_a_reason(
    chain: Chain, seen: Counter[str], body: bytes, content_type: str, accept: str
) -> None:
    answer = invoke(chain, body, content_type, accept)
    seen[f"anything, answered {answer.status}"] += 1
    if answer.status != 200:
        assert answer.status in (400, 406, 415), answer
        assert NAMES_ITS_REASON.match(answer.body), answer
        return
    text = body.decode("utf-8-sig", "replace")
    if "json" in content_type:
        sent = len(text.rstrip().split("\n"))
    else:
        # A bare CR ends no line: batch transform counts lines by LF.
        lines = text.replace("\r\n", "\n").replace("\r", " ")
        sent = len(list(csv.reader(io.StringIO(lines, newline=""))))
    is_csv = accept not in (JSON_LINES,)
    assert len(rows_of(answer) if is_csv else answer.body.splitlines()) == sent


def test_a_bad_record_in_a_batch_is_named(chain: Chain) -> None:
    body = b'good\nbad\n"broken" quote\nfine\n'
    answer = invoke(chain, body, CSV)
    assert (answer.status, answer.body.split(" is ")[0]) == (400, "Record 3")


def test_ten_thousand_reviews_in_one_request(chain: Chain) -> None:
    reviews = [("love", "awful", "okay")[number % 3] + f" it {number}" for number in range(10_000)]
    assert rows_of(invoke(chain, as_csv(reviews, csv.QUOTE_ALL), CSV)) == expected(chain, reviews)
