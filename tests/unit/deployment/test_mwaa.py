"""What `make mwaa` builds is what MWAA takes, whole, and the same every time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import boto3
import pytest
from botocore import xform_name

CHECKOUT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(CHECKOUT / "include" / "deployment"))
import mwaa  # noqa: E402  found on the path that was just set


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("mwaa") / "bundle"
    mwaa.build(target)
    return target


def test_it_is_dags_plugins_requirements_and_a_script(bundle: Path) -> None:
    assert {path.name for path in bundle.iterdir()} == {
        "dags",
        "plugins.zip",
        "requirements.txt",
        "startup.sh",
    }
    assert (bundle / "dags" / "review_sentiment_retrain.py").exists()
    assert subprocess.run(["sh", "-n", bundle / "startup.sh"], check=False).returncode == 0
    again = bundle.parent / "again"
    mwaa.build(again)
    assert (again / "plugins.zip").read_bytes() == (bundle / "plugins.zip").read_bytes()


def test_the_zip_holds_the_package_and_what_it_reads_and_no_stand_in(bundle: Path) -> None:
    with zipfile.ZipFile(bundle / "plugins.zip") as archive:
        names = set(archive.namelist())
    assert {".airflowignore", "sentiment_retrain_plugin.py", "sentiment_retrain/aws/hooks.py"} <= names
    sources = {
        path.relative_to(CHECKOUT / "plugins").as_posix() for path in mwaa._sources(CHECKOUT / "plugins")
    }
    assert sources <= names
    assert not [name for name in names if "localaws" in name or "launcher" in name or name.endswith(".pyc")]


def test_the_package_finds_its_configuration_inside_the_zip(bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundle / "plugins.zip") as archive:
        archive.extractall(tmp_path)
    script = (
        "from sentiment_retrain import settings\n"
        "from sentiment_retrain.aws import athena, models\n"
        "from sentiment_retrain.data import text\n"
        "print(settings.include_directory())\n"
        "settings.load_settings()\n"
        "inside = settings.include_directory()\n"
        "assert list(inside.glob('sql/*.sql')) and list(inside.glob('suites/*.json'))\n"
        "assert (inside / 'containers/adapter/text_normalization.py').is_file()\n"
        "assert (inside / 'config/card.schema.json').is_file()\n"
        "from sentiment_retrain.pages import runbook\n"
        "assert runbook.entry('SR-GATE-001')\n"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SENTIMENT_RETRAIN")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "sentiment_retrain" / "_include")


def test_its_requirements_leave_to_mwaa_what_mwaa_decides(bundle: Path) -> None:
    lines = (bundle / "requirements.txt").read_text().splitlines()
    wanted = [line for line in lines if not line.startswith("#")]
    assert "apache-airflow-providers-amazon[aiobotocore]" in wanted
    assert not [line for line in wanted if line.startswith(("apache-airflow=", "sagemaker", "sqlalchemy"))]
    assert any(line.startswith("great-expectations") for line in wanted)
    # MWAA looks for a constraint anywhere, also in a comment, and then lays none of its own over the file.
    assert not [line for line in lines if "--constraint" in line or "-c " in line]


def test_the_documented_update_names_the_version_of_each_file(bundle: Path) -> None:
    """MWAA: "You must specify a version each time" a file is updated, in the model of UpdateEnvironment."""
    page = (CHECKOUT / "docs" / "deployment.md").read_text()
    options = set(re.findall(r"--([a-z0-9-]+-s3-[a-z-]+)", page))
    model = boto3.session.Session().client("mwaa", region_name="us-east-1").meta.service_model
    members = model.operation_model("UpdateEnvironment").input_shape.members

    known = {xform_name(name, "-") for name in members}
    assert options <= known
    assert {option for option in known if option.endswith("-s3-object-version")} <= options
    files = {path.name for path in bundle.iterdir() if path.is_file()}
    assert set(re.findall(r"\$\(version (\S+)\)", page)) == files


def test_the_overlay_that_is_suggested_is_where_the_zip_is_unpacked() -> None:
    page = (CHECKOUT / "docs" / "deployment.md").read_text()
    [inside] = re.findall(r"SENTIMENT_RETRAIN_CONFIG=/usr/local/airflow/plugins/(\S+)/aws\.yaml", page)

    assert f"{inside}/retrain.yaml" in dict(mwaa.plugin_files())
