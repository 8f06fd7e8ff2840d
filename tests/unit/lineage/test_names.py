"""Names of data sets, and what may be told of where the code is and of errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openlineage.client.serde import Serde

from sentiment_retrain import errors
from sentiment_retrain.lineage import custom, names
from sentiment_retrain.lineage.places import MAXIMUM_PARTS, Part, Place
from sentiment_retrain.lineage.public_errors import make_public, public_text
from sentiment_retrain.lineage.source_code import public_url

from . import documents as d

SCHEMAS = Path(__file__).resolve().parents[3] / "include" / "lineage"
KEYS = st.text(st.characters(codec="utf-8", exclude_characters="/"), min_size=1, max_size=20)


@given(st.lists(KEYS, min_size=1, max_size=5))
def test_an_object_is_its_bucket_and_its_key(parts: list[str]) -> None:
    key = "/".join(parts)
    assert names.of_uri(f"s3://bucket/{key}") == ("s3://bucket", key)
    assert names.of_uri(f"s3://bucket/{key}/") == names.of_uri(f"s3://bucket/{key}")


def test_a_bucket_is_its_root() -> None:
    assert names.of_uri("s3://bucket") == names.of_uri("s3://bucket/") == ("s3://bucket", "/")


@given(
    st.sampled_from(["aws", "aws-cn", "aws-us-gov"]),
    st.from_regex(r"[0-9]{12}", fullmatch=True),
    st.from_regex(r"[a-z]{2}-[a-z]{4,9}-[1-9]", fullmatch=True),
)
def test_what_aws_keeps_is_in_the_runs_account_and_region(partition: str, account: str, region: str) -> None:
    run = {"role_arn": f"arn:{partition}:iam::{account}:role/a/b", "region": region}
    model = names.of_model(run, "m")
    assert model == names.of_arn(f"arn:{partition}:sagemaker:{region}:{account}:model/m")
    assert names.of_table(run, "d", "t") == (f"arn:{partition}:glue:{region}:{account}", "table/d/t")


@pytest.mark.parametrize(
    ("remote", "told"),
    [
        ("https://user:token@git.example.com/team/repo.git", "https://git.example.com/team/repo.git"),
        ("https://git.example.com:8443/repo", "https://git.example.com:8443/repo"),
        ("git@git.example.com:team/repo.git", "ssh://git.example.com/team/repo.git"),
        ("ssh://git@git.example.com/team/repo.git", "ssh://git.example.com/team/repo.git"),
        ("/srv/git/repo", None),
        ("file:///srv/git/repo", None),
        ("", None),
    ],
)
def test_a_remote_is_told_without_its_password(remote: str, told: str | None) -> None:
    assert public_url(remote) == told


@given(st.text(min_size=8))
def test_no_error_of_the_source_or_of_a_job_quotes_it(quoted: str) -> None:
    for kind in (errors.NoUsableRow, errors.ColumnMissing, errors.PredictionsMalformed, errors.JobFailed):
        said = public_text(kind(f"for example row 1: \N{SNOWMAN}{quoted}", "a row", "look"))
        assert "\N{SNOWMAN}" not in said
        assert said.startswith(kind.code)
        assert "what to do: look" in said


def test_a_gate_says_outside_what_it_says_inside() -> None:
    failed = errors.GateFailed([d.GATE])
    assert public_text(failed) == str(failed)
    assert "2 of 10 rows refused" in str(failed)


def test_an_error_that_nobody_foresaw_is_told_by_its_name() -> None:
    raised = KeyError("I love this dress")
    make_public(raised, None)
    assert "KeyError: not sent" in str(raised)
    assert "dress" not in str(raised)


@given(st.integers(min_value=0, max_value=2 * MAXIMUM_PARTS))
def test_parts_are_listed_whole_or_not_at_all(count: int) -> None:
    uris = [f"s3://b/{number}" for number in range(count)]
    found: Any = Serde.to_dict(Place(names.of_uri("s3://b/x")).read(Part(locations=uris)))
    subset = found["inputFacets"].get("subset")
    if 0 < count <= MAXIMUM_PARTS:
        assert subset["inputCondition"]["locations"] == uris
    else:
        assert subset is None


@pytest.mark.parametrize("facet", [custom.WorkRunFacet, custom.ModelMetricsDatasetFacet])
def test_our_facets_name_the_schema_that_is_shipped(facet: Any) -> None:
    address, _, pointer = facet._get_schema().partition("#/$defs/")
    document = json.loads((SCHEMAS / f"{pointer}.json").read_text(encoding="utf-8"))
    assert document["$id"] == address
    assert pointer in document["$defs"]
    assert list(document["properties"]) == [facet.KEY]
