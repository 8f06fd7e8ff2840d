"""What a command says of the file it was given, before anything starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from launcher import localaws, source
from sentiment_retrain.data.reviews import inspect_source

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_reading_says_which_rows_and_columns_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "some.csv"
    path.write_text("Body;Category;Stars;SKU\ngood and solid;Laptops;5;1\n;Laptops;5;2\nbad;TVs;x;3\n")
    assert source.reading(inspect_source(path)) == [
        "reviews   some.csv: 1 of 3 rows can be used (not: empty_text 1, bad_rating 1)",
        "columns   review_body from 'Body', product_category from 'Category', star_rating from 'Stars'",
    ]


class Bucket(dict[str, bytes]):
    """S3, as far as a file is delivered to it."""

    def head_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803 - boto3's names
        if (Bucket, Key) not in {(localaws.BUCKET, key) for key in self}:
            raise ClientError({"Error": {"Code": "404"}}, "HeadObject")

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803
        assert (Bucket, ContentType) == (localaws.BUCKET, "text/csv")
        self[Key] = Body


def test_a_file_that_is_only_planned_with_is_in_no_later_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, bucket = tmp_path / "some.csv", Bucket()
    path.write_bytes(b"text,category,stars\n")

    def client(_service: str, _url: str) -> Any:
        return bucket

    monkeypatch.setattr(localaws, "client", client)
    planned = source.deliver(path, "http://aws", to_plan=True)
    assert [key.split("/")[0] for key in bucket] == ["planned"]
    delivered = source.deliver(path, "http://aws")
    assert delivered == planned.replace("/planned/", "/inbox/")
    assert set(bucket.values()) == {path.read_bytes()}
    # A plan of what was delivered is of the same object, and so names it as the last run did.
    assert source.deliver(path, "http://aws", to_plan=True) == delivered
