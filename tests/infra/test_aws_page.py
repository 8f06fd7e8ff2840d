"""docs/aws.md as somebody types it: its commands, in its order, with the AWS CLI, on the stand-in."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from airflow.cli import cli_parser
from botocore.exceptions import ClientError
from stand_in import StandIn

from .template import ACCOUNT, CHECKOUT, REGION

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = CHECKOUT / "docs" / "aws.md"
BUCKET = f"sentiment-retrain-{ACCOUNT}-{REGION}"
#: What the page needs of a checkout that is set up.
NEEDED = ("Makefile", "include", ".venv", ".venv-localaws", "requirements.txt", "requirements-dev.txt")
DAG_ID = "review_sentiment_retrain"


def blocks() -> tuple[str, str, str]:
    """The page's three blocks of commands: from nothing to reviews in the bucket, the stand-in's, the end."""
    walk, stand_in_only, end = re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return walk, stand_in_only, end


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """An empty account: other tests create the stack of this name, too."""
    running = StandIn(tmp_path_factory.mktemp("account") / "state")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with reviews in it, in which files may be written."""
    for name in NEEDED:
        (tmp_path / name).symlink_to(CHECKOUT / name)
    (tmp_path / "reviews.csv").write_text("review_body,product_category,stars\nIt works,Chargers,5\n")
    return tmp_path


def typed(commands: str, directory: Path, account: StandIn) -> str:
    """What the shell prints; the test fails with it where a command fails."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("SENTIMENT_RETRAIN")}
    environment = given | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "AWS_ENDPOINT_URL": account.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_PAGER": "",
        "COLUMNS": "200",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=directory, env=environment, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_from_an_empty_account_to_reviews_and_back(account: StandIn, checkout: Path) -> None:
    walk, stand_in_only, end = blocks()
    before, preflight, after = walk.partition("make preflight\n")
    assert preflight
    airflow_lines = [line for line in end.splitlines() if line.startswith("airflow ")]
    assert airflow_lines == [f"airflow dags pause {DAG_ID}"]

    said = typed(before + stand_in_only + preflight + after, checkout, account)

    assert "FAIL" not in said
    assert {"bucket", "role_arn", "model_role_arn", "workgroup"} <= set(
        re.findall(r"^(\w+) +ok ", said, re.M)
    )
    found = account.client("s3").get_object(Bucket=BUCKET, Key="inbox/reviews.csv")["Body"].read()
    assert found == (checkout / "reviews.csv").read_bytes()

    *_, delete_stack = [line for line in end.splitlines() if line.startswith("aws ")]
    typed(f"export AWS_DEFAULT_REGION={REGION}\n{delete_stack}", checkout, account)
    with pytest.raises(ClientError, match="does not exist"):
        account.client("cloudformation").describe_stacks(StackName="sentiment-retrain")
    assert account.client("s3").head_bucket(Bucket=BUCKET)


def airflow_commands() -> list[str]:
    """Every `airflow …` of the documentation, in a line or a block."""
    pages = [CHECKOUT / "README.md", *(CHECKOUT / "docs").glob("*.md")]
    text = "\n".join(page.read_text() for page in pages)
    found = re.findall(r"`(airflow [^`]+)`", text) + re.findall(r"^(airflow .+)$", text, re.MULTILINE)
    return sorted(set(found))


@pytest.mark.parametrize("command", airflow_commands())
def test_airflow_knows_its_commands(command: str) -> None:
    words = shlex.split(command)[1:]
    assert cli_parser.get_parser().parse_args(words).func
    if words[:2] != ["dags", "list-import-errors"] and words[0] == "dags":
        assert words[2] == DAG_ID


def test_commands_of_airflow_are_found() -> None:
    verbs = ("pause", "trigger", "unpause")
    assert {f"airflow dags {verb} {DAG_ID}" for verb in verbs} <= set(airflow_commands())
