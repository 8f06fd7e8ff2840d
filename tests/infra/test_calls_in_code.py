"""Whatever the code asks of AWS has been recorded, and so held against the policies."""

from __future__ import annotations

import ast
import json
import re
from typing import TYPE_CHECKING

import pytest

from . import operations
from .template import CHECKOUT
from .test_policies import JUSTIFIED, RECORDING

if TYPE_CHECKING:
    from pathlib import Path

PLUGINS = sorted((CHECKOUT / "plugins").rglob("*.py"))
ANALYZER = sorted((CHECKOUT / "include" / "containers").rglob("*.py"))
#: Names of operations that mean something else in our sources: functions of our own, and of `re`.
OTHERS = {"describe_job", "list_objects", "stop_job", "search"}
SERVICES = {
    *("application-autoscaling", "athena", "cloudwatch", "glue", "logs"),
    *("s3", "sagemaker", "sagemaker-runtime", "sns"),
}


#: Functions of awswrangler in use: what they ask is in the recording, which a new one has to be added to.
WRANGLER = {
    *("athena.get_query_results", "athena.start_query_execution"),
    *("catalog.add_csv_partitions", "catalog.add_parquet_partitions", "catalog.create_database"),
    *("s3.read_parquet", "s3.to_parquet"),
}


def recorded(role: str | None = None) -> set[str]:
    """Actions of the recording, of one role or all, and those that are justified without."""
    rows = json.loads(RECORDING.read_text())
    seen = {action for roles, action, *_ in rows if role is None or role in roles}
    return seen | {action for whose, action in JUSTIFIED if role in {None, whose}}


def missing(paths: list[Path], services: set[str], role: str) -> set[str]:
    """Operations in the sources of which neither the recording nor the justified list has any meaning."""
    found = operations.named(paths, services)
    return {name for name, actions in found.items() if name not in OTHERS and not actions & recorded(role)}


def test_the_sources_make_clients_of_known_services() -> None:
    """A new service has to be recorded, granted and asked for by `make preflight`."""
    assert operations.services(PLUGINS) == SERVICES
    assert operations.services(ANALYZER) == {"s3", "sagemaker", "sagemaker-runtime"}


def test_awswrangler_is_asked_for_what_was_recorded() -> None:
    sources = "\n".join(path.read_text() for path in PLUGINS)

    assert set(re.findall(r"\bwr\.(\w+\.\w+)\(", sources)) == WRANGLER


def test_every_operation_in_the_plugins_is_recorded() -> None:
    assert missing(PLUGINS, SERVICES, "AirflowRole") == set()


def test_every_operation_in_what_runs_in_containers_is_recorded() -> None:
    """The analyzer's: S3 between its instances, and its shadow endpoint."""
    services = {"s3", "sagemaker", "sagemaker-runtime"}
    found = operations.named(ANALYZER, services)

    assert {"put_object", "delete_object", "create_endpoint", "invoke_endpoint"} <= found.keys()
    assert missing(ANALYZER, services, "JobRole") == set()


def test_names_that_mean_something_else_are_our_own() -> None:
    """Otherwise an operation of such a name would go unnoticed."""
    defined = {
        node.name
        for path in PLUGINS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    }

    assert OTHERS - defined == {"search"}


@pytest.mark.parametrize(
    "line",
    [
        'aws.call("sagemaker", "create_notebook_instance", NotebookInstanceName="x")',
        'aws.sagemaker("create_notebook_instance", NotebookInstanceName="x")',
        'aws.client("sagemaker").create_notebook_instance(NotebookInstanceName="x")',
        'getattr(client, "create_notebook_instance")()',
        'aws.client("s3").put_bucket_policy(Bucket="b")',
    ],
)
def test_a_new_call_is_noticed(line: str, tmp_path: Path) -> None:
    source = tmp_path / "new.py"
    source.write_text(f"def new(aws, client):\n    {line}\n")

    assert len(missing([source], SERVICES, "AirflowRole")) == 1


def test_a_new_service_is_noticed(tmp_path: Path) -> None:
    source = tmp_path / "new.py"
    source.write_text('SERVICE = "sqs"\n\ndef new(aws):\n    aws.call(SERVICE, "send_message")\n')

    assert operations.services([source]) == {"sqs"}
