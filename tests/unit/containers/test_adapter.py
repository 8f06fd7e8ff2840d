"""The serving scripts of the BlazingText pipeline, called as scikit-learn script mode calls them."""

from __future__ import annotations

import ast
import csv
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import inverse_label
import records
import text_normalization
import transform

ADAPTER = Path(text_normalization.__file__).parent
MODEL = {"k": 3}
LABELS = {"labels": ["-1", "0", "1"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I don't like this product!", "i do n't like this product !"),
        ("I DON’T", "i do n't"),
        ("can't won't it's they're I'd", "ca n't wo n't it 's they 're i 'd"),
        ("5'8\" and 3.5 or 1,000,000.", "5 ' 8 \" and 3.5 or 1,000,000 ."),
        ("wait… what....", "wait ... what ..."),
        ("line\r\nbreak\u2028and\ttab\x00nul", "line break and tab nul"),
        ("café ﬁne ＯＫ", "café fine ok"),
        ("cafe\u0301", "café"),
        ("love❤️it😀😀", "love ❤ it 😀 😀"),
        ("हिन्दी में", "हिन्दी में"),
        ("__label__1 bad", "_ _ label _ _ 1 bad"),
        ("<UNK> word", "<unk> word"),
        ("half a pair \ud83d", "half a pair \ufffd"),
        ("", "<empty>"),
        (" \n\u200b ", "<empty>"),
    ],
)
def test_normalize(text: str, expected: Any) -> None:
    assert text_normalization.normalize(text) == expected


@given(st.text() | st.text(alphabet="aAn't’.,!35<> \n_\u0130\u03a3\u00df\u0301\u200d\u3000"))
def test_normalize_is_idempotent_single_line_and_never_empty(text: str) -> None:
    once = text_normalization.normalize(text)
    assert text_normalization.normalize(once) == once
    assert once.encode("utf-8")
    assert once.split(" ") == once.split()
    assert once
    assert "__label__" not in once


def test_normalize_takes_a_text_without_spaces_in_linear_time() -> None:
    started = time.process_time()
    text_normalization.normalize("a" * 300_000 + "n't" * 100_000 + "." * 100_000)
    assert time.process_time() - started < 2


def test_fold_white_space() -> None:
    assert text_normalization.fold_white_space(" Two\r\n lines,\t\x00 Kept. ") == "Two lines, Kept."


def serve_transform(body: Any, content_type: str = "text/csv") -> list[Any]:
    answer, kind = transform.write(transform.predict(transform.read(body, content_type), MODEL), "text/csv")
    assert kind == "application/jsonlines"
    return [json.loads(line) for line in answer.splitlines()]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), min_size=1))
def test_transform_answers_each_csv_record_in_order(texts: list[str]) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([text] for text in texts)
    assert serve_transform(buffer.getvalue().encode()) == [
        {"source": text_normalization.normalize(text), "k": 3} for text in texts
    ]


def test_transform_takes_a_long_review_an_empty_one_and_a_byte_order_mark() -> None:
    long_review = "word " * 40_000
    answers = serve_transform(f'\ufeff"{long_review}"\n\n""\nGood\n'.encode())
    assert [len(answer["source"]) for answer in answers] == [len(long_review) - 1, 7, 7, 4]


def test_transform_takes_json_lines() -> None:
    body = b'{"features": ["A \\u2028 b"]}\n{"features": [""]}\n'
    assert serve_transform(body, "application/jsonlines; charset=utf-8") == [
        {"source": "a b", "k": 3},
        {"source": "<empty>", "k": 3},
    ]


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        (b"good\nlovely, but small\n", "text/csv", "Record 2 has 2 columns"),
        (b'good\n"open', "text/csv", "Record 2 is not valid CSV"),
        (b"", "text/csv", "body is empty"),
        (b"\xff", "text/csv", "Line 1 is not UTF-8: byte 0"),
        (b"good\nb\xffd\n", "text/csv; charset=utf-8", "Line 2 is not UTF-8: byte 6"),
        (b"good\n" + b"[" * 100_000, "application/jsonlines", "Record 1 is not valid JSON"),
        (b'{"features": ["a"]}\n' + b"[" * 100_000, "application/jsonlines", "Record 2 .* nested too deeply"),
        (b'{"features": ["a"]}\nnope', "application/jsonlines", "Record 2 is not valid JSON"),
        (b"[1]", "application/jsonlines", "Record 1 is a list"),
        (b'{"features": "a"}', "application/jsonlines", "Record 1 has features"),
        (b'{"features": [1]}', "application/jsonlines", "Record 1 has features"),
        (b"", "application/jsonlines", "body is empty"),
        (b"x", "image/png", "Content type 'image/png' is not supported"),
    ],
)
def test_transform_refuses_a_bad_request_by_record(body: Any, content_type: str, message: str) -> None:
    with pytest.raises(records.InvalidRecordError, match=message):
        transform.read(body, content_type)


def serve_inverse_label(lines: Any, accept: str = "text/csv", model: Any = LABELS) -> tuple[str, str]:
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    answers = inverse_label.read(body, "application/jsonlines")
    return inverse_label.write(inverse_label.predict(answers, model), accept)


def test_inverse_label_writes_the_contract_s_csv() -> None:
    answer = {"label": ["__label__1", "__label__0", "__label__-1"], "prob": [0.91, 0.07, 0.02]}
    assert serve_inverse_label([answer]) == (
        "1,0.91,\"[0.02, 0.07, 0.91]\",\"['-1', '0', '1']\"\n",
        "text/csv",
    )


def test_inverse_label_writes_json_lines_and_fills_in_missing_classes() -> None:
    body, kind = serve_inverse_label([{"label": ["__label__0"], "prob": [1.00001]}], "application/jsonlines")
    assert kind == "application/jsonlines"
    assert json.loads(body) == {
        "predicted_label": "0",
        "probability": 1.0,
        "probabilities": [0.0, 1.0, 0.0],
        "labels": ["-1", "0", "1"],
    }


@given(st.lists(st.permutations(["-1", "0", "1"]), min_size=1, max_size=20))
def test_inverse_label_keeps_class_order_whatever_order_the_answer_has(orders: Any) -> None:
    lines = [{"label": [f"__label__{label}" for label in order], "prob": [0.6, 0.3, 0.1]} for order in orders]
    body, _ = serve_inverse_label(lines, "*/*")
    rows = list(csv.reader(io.StringIO(body)))
    assert [row[0] for row in rows] == [order[0] for order in orders]
    for row, order in zip(rows, orders, strict=True):
        assert json.loads(row[2]) == [[0.6, 0.3, 0.1][order.index(label)] for label in LABELS["labels"]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"label": ["__label__5"], "prob": [1.0]}, "Record 2 has the labels"),
        ({"label": ["__label__1"], "prob": []}, "Record 2 is"),
        ({"label": [], "prob": []}, "Record 2 is"),
        ({"label": ["__label__1"], "prob": ["0.5"]}, "Record 2 has the probability '0.5'"),
        ({"label": ["__label__1"], "prob": [float("nan")]}, "Record 2 has the probability nan"),
        ({"error": "out of memory"}, "Record 2 is"),
    ],
)
def test_inverse_label_refuses_a_bad_answer_by_record(line: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        serve_inverse_label([{"label": ["__label__1"], "prob": [1.0]}, line])


def test_inverse_label_refuses_other_types() -> None:
    with pytest.raises(ValueError, match="Accept 'image/png' is not supported"):
        inverse_label.write([], "image/png")
    with pytest.raises(ValueError, match="Content type 'text/csv' is not supported"):
        inverse_label.read(b"", "text/csv")


@pytest.mark.parametrize(
    ("script", "body", "content_type"),
    [(transform, b"a,b\n", "text/csv"), (inverse_label, b'{"error": "no"}\n', "application/jsonlines")],
)
def test_the_container_answers_400_to_a_bad_request(
    script: Any, body: bytes, content_type: str, tmp_path: Path
) -> None:
    answer = script.transform_fn(script.model_fn(str(tmp_path)), body, content_type, "text/csv")
    assert answer.status_code == 400
    assert answer.get_data(as_text=True).startswith("Record 1 ")


@pytest.mark.parametrize(
    ("script", "content_type", "accept", "status"),
    [
        (transform, "image/png", "text/csv", 415),
        (inverse_label, "text/csv", "text/csv", 415),
        (inverse_label, "application/jsonlines", "image/png, audio/*", 406),
    ],
)
def test_types_that_no_answer_is_possible_for_have_a_status_of_their_own(
    script: Any, content_type: str, accept: str, status: int, tmp_path: Path
) -> None:
    body = b'{"label": ["__label__1"], "prob": [1.0]}'
    answer = script.transform_fn(script.model_fn(str(tmp_path)), body, content_type, accept)
    assert answer.status_code == status
    assert "expected" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/csv"),
        (None, "text/csv"),
        ("*/*", "text/csv"),
        ("text/*;q=0.5", "text/csv"),
        ("Text/CSV; charset=utf-8", "text/csv"),
        ("image/png, application/x-jsonlines;q=0.9, text/csv", "application/jsonlines"),
        ("application/*", "application/jsonlines"),
    ],
)
def test_the_first_type_of_accept_that_can_be_written_is(accept: Any, kind: str) -> None:
    assert records.acceptable(accept) == kind


def test_a_bare_carriage_return_is_no_end_of_a_record() -> None:
    assert records.csv_texts('a\rb\r\n"c\r\nd"\n\re\n') == ["a b", "c\nd", " e"]


def test_nul_is_read_as_a_space_on_every_python() -> None:
    assert records.csv_texts('a\x00b\n"c\x00,d"\n') == ["a b", "c ,d"]


def test_batch_transform_learns_what_it_may_send() -> None:
    parameters = transform.execution_parameters_fn().get_json()
    assert parameters["BatchStrategy"] == "MULTI_RECORD"
    assert parameters["MaxPayloadInMB"] == 6
    assert 1 <= parameters["MaxConcurrentTransforms"] <= 16


def test_the_container_answers_good_requests(tmp_path: Path) -> None:
    model = transform.model_fn(str(tmp_path))
    assert transform.transform_fn(model, "Good", "text/csv", "*/*") == (
        '{"source": "good", "k": 3}\n',
        "application/jsonlines",
    )


def test_classes_come_from_the_model_directory(tmp_path: Path) -> None:
    assert transform.model_fn(str(tmp_path)) == {"k": 3}
    (tmp_path / "labels.json").write_text('["bad", "good"]')
    assert transform.model_fn(str(tmp_path)) == {"k": 2}
    model = inverse_label.model_fn(str(tmp_path))
    body, _ = serve_inverse_label([{"label": ["good"], "prob": [0.75]}], model=model)
    assert body == "good,0.75,\"[0.0, 0.75]\",\"['bad', 'good']\"\n"


def test_scripts_need_python_3_8_and_the_standard_library_only() -> None:
    allowed = {path.stem for path in ADAPTER.glob("*.py")} | set(sys.stdlib_module_names) | {"flask"}
    for path in ADAPTER.glob("*.py"):
        tree = ast.parse(path.read_text(), feature_version=(3, 8))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module)]
            assert {name.split(".")[0] for name in names} <= allowed, path
