"""`make preflight`: each judgement, and all of it against the stand-in through the endpoint's URL only."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console
from stand_in import ROLE

from launcher import preflight
from launcher import preflight_checks as checks
from launcher.failures import LauncherError
from launcher.preflight_checks import FAIL, OK, UNKNOWN, Check, Refusal
from launcher.preflight_permissions import wanted
from launcher.preflight_quotas import Need, needs, quotas
from sentiment_retrain.settings import load_settings
from sentiment_retrain.settings.deployment import Autoscaling, Serverless

from .policy import Access, is_allowed
from .template import ACCOUNT, CHECKOUT, REGION, Template
from .test_policies import RECORDING

if TYPE_CHECKING:
    from stand_in import StandIn

DENIED = Refusal("AccessDenied", "not authorized")
MISSING = Refusal("404", "Not Found", is_missing=True)
TRUST = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
TRUSTED = {"Arn": ROLE, "AssumeRolePolicyDocument": {"Statement": [TRUST]}}
OTHER = {"Principal": {"Service": "ec2.amazonaws.com"}}
DISTRUSTED = {"Arn": ROLE, "AssumeRolePolicyDocument": {"Statement": [TRUST | OTHER]}}
URI = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/analyzer:1"
DIGEST = f"sha256:{'0' * 64}"
PINNED = f"{URI.removesuffix(':1')}@{DIGEST}"
AWS_URI = "811284229777.dkr.ecr.us-east-1.amazonaws.com/blazingtext:1"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
BY_IAM = {
    "Principal": {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"},
    "Permissions": ["ALL"],
}
NEED = [Need("ml.m5.large for endpoint usage", 4)]
SCALED = Autoscaling(minimum=1, maximum=5, target_invocations=100, scale_in_seconds=300, scale_out_seconds=60)
JOBS = [Need("ml.m5.xlarge for processing job usage", 2, ("b",))]
WAITING = [JOBS[0]._replace(pool="retrain-jobs")]
GUESSED = [Need("ml.m5.4xlarge for training job usage", 3, is_guess=True)]
LIMITED = {"State": "ENABLED", "Configuration": {"BytesScannedCutoffPerQuery": 2**30}}
ENFORCED = {
    "EnforceWorkGroupConfiguration": True,
    "ResultConfiguration": {"OutputLocation": "s3://another/athena/"},
}


@pytest.mark.parametrize(
    ("check", "status", "observed", "remedy"),
    [
        (checks.credentials({"Arn": "arn:x"}), OK, "arn:x", ""),
        (checks.credentials(Refusal("ExpiredToken", "expired")), FAIL, "ExpiredToken", "Sign in"),
        (checks.region("us-east-1", None), OK, "us-east-1", ""),
        (checks.region(None, None), FAIL, "none", "AWS_DEFAULT_REGION"),
        (checks.region("mars-1", "no images"), FAIL, "no images", "another"),
        (checks.bucket("b", "us-east-1", "us-east-1", None), OK, "written to", ""),
        (checks.bucket(None, "", "us-east-1", None), FAIL, "none is set", "SENTIMENT_RETRAIN_BUCKET"),
        (checks.bucket("b", MISSING, "us-east-1", None), FAIL, "404", "Deploy"),
        (checks.bucket("b", DENIED, "us-east-1", None), FAIL, "AccessDenied", "s3:ListBucket"),
        (checks.bucket("b", "eu-west-1", "us-east-1", None), FAIL, "is in eu-west-1", "eu-west-1"),
        (checks.bucket("b", "us-east-1", "us-east-1", DENIED), FAIL, "AccessDenied", "s3:PutObject"),
        (checks.role("role_arn", ROLE, TRUSTED), OK, ROLE, ""),
        (checks.role("role_arn", None, DENIED), FAIL, "none is set", "role_arn"),
        (checks.role("role_arn", ROLE, MISSING), FAIL, "404", "Deploy"),
        (checks.role("role_arn", ROLE, DENIED), UNKNOWN, "AccessDenied", "iam:GetRole"),
        (checks.role("role_arn", ROLE, DISTRUSTED), FAIL, "does not trust", "sts:AssumeRole"),
        (checks.role("role_arn", ROLE + "x", TRUSTED), FAIL, "is arn", "Correct"),
        (checks.permissions([], 60), OK, "allowed", ""),
        (checks.permissions(["s3:PutObject on b"], 60), FAIL, "s3:PutObject on b", "AirflowPolicyArns"),
        (checks.permissions(list("abcdef"), 60), FAIL, "2 more", "AirflowPolicyArns"),
        (checks.permissions(DENIED, 60), UNKNOWN, "AccessDenied", "iam:SimulatePrincipalPolicy"),
        (checks.permissions(MISSING, 60), UNKNOWN, "404", "iam:GetRole"),
        (quotas(NEED, {NEED[0].quota: 4})[0], OK, "4", ""),
        (quotas(NEED, {NEED[0].quota: 2})[0], FAIL, "2", "Ask for more"),
        (quotas(NEED, {})[0], UNKNOWN, "no quota", "console"),
        (quotas(NEED, DENIED)[0], UNKNOWN, "AccessDenied", "console"),
        (quotas(JOBS, {JOBS[0].quota: 1, "b": 1})[0], OK, "1, and 1 of the types to fall back to", ""),
        (quotas(JOBS, {JOBS[0].quota: 0, "b": 1})[0], FAIL, "0, and 1", "job_pool"),
        (quotas(JOBS, {JOBS[0].quota: 0, "b": 0})[0], FAIL, "0", "Ask for more"),
        (quotas(WAITING, {JOBS[0].quota: 1})[0], OK, "1; jobs wait in the pool retrain-jobs", ""),
        (quotas(WAITING, {JOBS[0].quota: 0})[0], FAIL, "0", "Ask for more"),
        (quotas(GUESSED, {GUESSED[0].quota: 3})[0], OK, "3", ""),
        (quotas(GUESSED, {GUESSED[0].quota: 0})[0], UNKNOWN, "0", "defaults.contenders"),
        (checks.image("i", AWS_URI, "", ACCOUNT, REGION), OK, AWS_URI, ""),
        # What AWS's own images are is AWS's business.
        (checks.image("i", AWS_URI, OCI_INDEX, ACCOUNT, REGION), OK, AWS_URI, ""),
        (checks.image("i", URI, DOCKER_MANIFEST, ACCOUNT, REGION), OK, URI, ""),
        (checks.image("i", URI, "", ACCOUNT, "eu-west-1"), FAIL, "is in us-east-1", "eu-west-1"),
        (checks.image("i", URI, OCI_INDEX, ACCOUNT, REGION), FAIL, OCI_INDEX, "--provenance=false"),
        (checks.image("i", AWS_URI, DENIED, ACCOUNT, REGION), UNKNOWN, "AccessDenied", "first job"),
        (checks.image("i", URI, None, ACCOUNT, REGION), FAIL, "no such tag", "Push analyzer:1"),
        (checks.image("i", PINNED, DOCKER_MANIFEST, ACCOUNT, REGION), OK, PINNED, ""),
        (checks.image("i", PINNED, None, ACCOUNT, REGION), FAIL, "no such digest", f"Push analyzer@{DIGEST}"),
        (checks.image("i", None, None, ACCOUNT, REGION), FAIL, "none is set", "image_uri"),
        (checks.image("i", "docker.io/x", None, ACCOUNT, REGION), FAIL, "docker.io/x", "image_uri"),
        (checks.clarify("clarify", 3), OK, "3", ""),
        (checks.clarify("clarify", 0), UNKNOWN, "no completed job", "engine: analyzer"),
        (checks.clarify("clarify", DENIED), UNKNOWN, "AccessDenied", "engine: analyzer"),
        (checks.clarify("analyzer", 0), OK, "not used", ""),
        (checks.workgroup("w", LIMITED, "b"), OK, "1 GiB", ""),
        (checks.workgroup("w", DENIED, "b"), FAIL, "AccessDenied", "Deploy"),
        (checks.workgroup("w", LIMITED | {"State": "DISABLED"}, "b"), FAIL, "DISABLED", "Enable"),
        (
            checks.workgroup("w", LIMITED | {"Configuration": ENFORCED}, "b"),
            FAIL,
            "another",
            "s3://b/athena/",
        ),
        (checks.workgroup("w", {"State": "ENABLED"}, "b"), UNKNOWN, "no scan limit", "Deploy"),
        (checks.database("d", {}), OK, "d", ""),
        (checks.database("d", {"CreateTableDefaultPermissions": [BY_IAM]}), OK, "d", ""),
        (checks.database("d", {"CreateTableDefaultPermissions": []}), UNKNOWN, "Lake Formation", "Grant"),
        (checks.database("d", MISSING), UNKNOWN, "does not exist", "CreateDatabase"),
        (checks.database("d", DENIED), FAIL, "AccessDenied", "glue:GetDatabase"),
    ],
)
def test_each_observation_is_judged(check: Check, status: str, observed: str, remedy: str) -> None:
    assert check.status == status
    assert observed in check.observed
    assert remedy in check.remedy
    # Whoever reads a line that is not ok must find there what to do.
    assert bool(check.remedy) is (status != OK)


def needed(**changes: Any) -> dict[str, Need]:
    """What a run needs by the name of its quota; ``changes`` are of the settings' deployment."""
    settings = load_settings()
    deployment = settings.deployment.model_copy(update=changes)
    return {need.quota: need for need in needs(settings.model_copy(update={"deployment": deployment}))}


def test_what_a_run_needs_at_one_time() -> None:
    found = needed()

    processing = found["ml.m5.xlarge for processing job usage"]
    assert processing.instances == 2
    assert processing.others == tuple(
        f"{name} for processing job usage" for name in load_settings().jobs.analysis.fallback_instance_types
    )
    assert found["ml.c5.xlarge for training job usage"].instances == 1
    assert found["ml.m5.large for transform job usage"].instances == 2
    assert found["ml.m5.4xlarge for training job usage"].is_guess
    assert processing.pool == ""


@pytest.mark.parametrize(
    ("changes", "instances"),
    [
        # Both fleets of an update.
        ({}, 4),
        ({"shadow": True}, 8),
        ({"autoscaling": SCALED}, 10),
        # SHAP's own endpoint, beside the live one or alone.
        ({"instance_count": 1}, 2),
        ({"serverless": Serverless(memory_mb=2048, maximum_concurrency=5)}, 1),
    ],
)
def test_what_the_endpoint_needs_at_one_time(changes: dict[str, Any], instances: int) -> None:
    assert needed(**changes)["ml.m5.large for endpoint usage"].instances == instances


def test_jobs_may_wait_in_a_pool() -> None:
    settings = load_settings().model_copy(update={"job_pool": "retrain-jobs"})
    pools = {need.quota: need.pool for need in needs(settings)}

    assert pools["ml.m5.xlarge for processing job usage"] == "retrain-jobs"
    assert pools["ml.m5.large for endpoint usage"] == ""


# --- The permissions that are asked for ----------------------------------------------------------------


@pytest.fixture
def asked(template: Template) -> list[tuple[str, str]]:
    """Questions to IAM of an installation in the stack's account."""
    settings = load_settings()
    alarms = settings.deployment.alarms.model_copy(update={"existing": ("orders-drop",)})
    changes = {
        "deployment": settings.deployment.model_copy(update={"alarms": alarms}),
        "bucket": template.arn("Bucket").rpartition(":")[2],
        "role_arn": template.arn("JobRole"),
        "model_role_arn": template.arn("ModelRole"),
        "workgroup": "sentiment-retrain",
        "approval": settings.approval.model_copy(update={"topic_arn": template.arn("Topic")}),
    }
    return wanted(settings.model_copy(update=changes), REGION, ACCOUNT, "aws")


def test_the_shipped_policies_allow_what_is_asked(asked: list[tuple[str, str]], template: Template) -> None:
    statements = template.statements("AirflowRole")
    context = (
        ("cloudwatch:namespace", "SentimentRetrain"),
        ("iam:PassedToService", "sagemaker.amazonaws.com"),
    )

    assert [pair for pair in asked if not is_allowed(statements, Access(*pair, context))] == []


def test_alarms_of_others_may_be_read_and_no_more(asked: list[tuple[str, str]]) -> None:
    """An update that such an alarm undid names it with CloudWatch's reason, from its history."""
    of_others = {action for action, resource in asked if resource.endswith(":alarm:orders-drop")}

    assert of_others == {"cloudwatch:DescribeAlarmHistory"}


def test_what_a_full_run_does_is_asked(asked: list[tuple[str, str]]) -> None:
    """Autoscaling aside, which most installations leave out, and what preflight itself asks."""
    done = {
        action
        for roles, action, *_ in json.loads(RECORDING.read_text())
        if roles == ["AirflowRole"] and not action.startswith("application-autoscaling:")
    }

    of_preflight = {
        action for action in done if action.startswith(("ecr:", "iam:Get", "iam:Sim", "servicequotas:"))
    }
    assert done - of_preflight - {action for action, _ in asked} == set()


# --- Against the stand-in ------------------------------------------------------------------------------


@pytest.fixture
def ready(stand_in: StandIn) -> dict[str, str]:
    """The environment of an installation whose account has everything."""
    stand_in.client("s3").create_bucket(Bucket="preflight")
    athena, glue = stand_in.client("athena"), stand_in.client("glue")
    if "preflight" not in {found["Name"] for found in athena.list_work_groups()["WorkGroups"]}:
        results = {"OutputLocation": "s3://preflight/athena/"}
        configuration = {"BytesScannedCutoffPerQuery": 2**30, "ResultConfiguration": results}
        athena.create_work_group(Name="preflight", Configuration=configuration)
        glue.create_database(DatabaseInput={"Name": "preflight"})
    return {
        "AWS_ENDPOINT_URL": stand_in.url,
        "SENTIMENT_RETRAIN_BUCKET": "preflight",
        "SENTIMENT_RETRAIN_ROLE_ARN": ROLE,
    }


@pytest.fixture
def table(ready: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    """``table(setting=value, …)``: the checks by name, of the stand-in's account."""

    def examine(environment: dict[str, str] | None = None, **overlay: Any) -> dict[str, Check]:
        path = tmp_path / "overlay.json"
        path.write_text(json.dumps({"workgroup": "preflight", "database": "preflight"} | overlay))
        for name, value in (ready | {"SENTIMENT_RETRAIN_CONFIG": str(path)} | (environment or {})).items():
            monkeypatch.setenv(name, value)
        load_settings.cache_clear()
        return {found.name: found for found in preflight.examine(preflight.Account(), load_settings())}

    return examine


def test_an_account_that_has_everything_is_ready(table: Any, stand_in: StandIn) -> None:
    found = table()

    assert [name for name, check in found.items() if check.status == FAIL] == []
    for name in ("credentials", "region", "bucket", "role_arn", "workgroup", "database"):
        assert found[name].status == OK, found[name]
    assert {check.status for name, check in found.items() if name.startswith("quota: ")} == {OK}
    # The stand-in's nameless caller is nobody in IAM, and AWS's registries are not there: said, not passed.
    assert found["permissions"].status == UNKNOWN
    assert found["image: blazingtext"].status == UNKNOWN
    listed = stand_in.client("s3").list_objects_v2(Bucket="preflight")["Contents"]
    assert [item["Key"] for item in listed] == [preflight.PROBE_KEY]


@pytest.mark.parametrize(
    ("left_out", "path", "denied"),
    [
        (None, "/", set()),
        # As IAM Identity Center's: a session's ARN has the name alone.
        (None, "/aws-reserved/sso.amazonaws.com/us-east-1/", set()),
        ("DeploymentAlarms", "/", {"PutMetricAlarm", "DeleteAlarms"}),
        ("HistoryOfAlarms", "/", {"DescribeAlarmHistory"}),
        ("DeploymentMetrics", "/service-role/", {"PutMetricData"}),
    ],
)
def test_the_policies_of_whoever_asks_are_simulated(
    ready: dict[str, str],
    stand_in: StandIn,
    template: Template,
    asked: list[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    left_out: str | None,
    path: str,
    denied: set[str],
) -> None:
    """A role with the shipped policies may do all of it; one that lacks a statement is told what it lacks."""
    name, iam = f"airflow-without-{left_out}-{len(path)}", stand_in.client("iam")
    statements = [one for one in template.statements("AirflowRole") if one.get("Sid") != left_out]
    iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps({"Statement": [TRUST]}))
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_role_policy(RoleName=name, PolicyName="shipped", PolicyDocument=document)
    monkeypatch.setenv("AWS_ENDPOINT_URL", ready["AWS_ENDPOINT_URL"])

    found = preflight.Account().denied(f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/session", asked)

    assert {line.partition(" on ")[0].partition(":")[2] for line in found} == denied


@pytest.mark.parametrize(
    ("overlay", "environment", "failed"),
    [
        ({}, {"SENTIMENT_RETRAIN_BUCKET": "nobody-has-this-bucket"}, "bucket"),
        ({}, {"SENTIMENT_RETRAIN_BUCKET": ""}, "bucket"),
        ({}, {"SENTIMENT_RETRAIN_ROLE_ARN": ROLE + "-of-nobody"}, "role_arn"),
        ({"model_role_arn": ROLE + "-of-nobody"}, {}, "model_role_arn"),
        ({"workgroup": "nobody"}, {}, "workgroup"),
        ({"jobs": {"analysis": {"engine": "analyzer"}}}, {}, "image: analyzer"),
        ({"jobs": {"analysis": {"engine": "analyzer", "image_uri": URI}}}, {}, "image: analyzer"),
        ({}, {"AWS_DEFAULT_REGION": ""}, "region"),
        ({}, {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "credentials"),
    ],
)
def test_each_thing_that_is_missing_fails(
    table: Any, overlay: dict[str, Any], environment: dict[str, str], failed: str
) -> None:
    found = table(environment, **overlay)

    assert found[failed].status == FAIL
    assert found[failed].remedy


def test_a_role_that_does_not_trust_sagemaker_fails(table: Any, stand_in: StandIn) -> None:
    trust = {"Version": "2012-10-17", "Statement": [TRUST | OTHER]}
    role = stand_in.client("iam").create_role(RoleName="ec2", AssumeRolePolicyDocument=json.dumps(trust))

    found = table({"SENTIMENT_RETRAIN_ROLE_ARN": role["Role"]["Arn"]})

    assert "does not trust" in found["role_arn"].observed


def test_denied_permissions_are_read_from_iams_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked and how it is read, by AWS's service model: botocore's stubber answers."""
    import boto3
    from botocore.stub import ANY, Stubber

    client = boto3.client("iam")
    results = [
        {"EvalActionName": "s3:GetObject", "EvalDecision": "allowed"},
        {"EvalActionName": "s3:PutObject", "EvalDecision": "implicitDeny"},
    ]
    expected = {
        "PolicySourceArn": f"arn:aws:iam::{ACCOUNT}:role/airflow",
        "ActionNames": ["s3:GetObject", "s3:PutObject"],
        "ResourceArns": ["arn:aws:s3:::b/*"],
        "ContextEntries": ANY,
    }
    account = preflight.Account()
    monkeypatch.setattr(account, "client", lambda _service: client)
    questions = [("s3:GetObject", "arn:aws:s3:::b/*"), ("s3:PutObject", "arn:aws:s3:::b/*")]
    with Stubber(client) as stubber:
        # Who may not look at themselves is taken to have no path.
        stubber.add_client_error("get_role", "AccessDenied", expected_params={"RoleName": "airflow"})
        stubber.add_response("simulate_principal_policy", {"EvaluationResults": results}, expected)

        denied = account.denied(f"arn:aws:sts::{ACCOUNT}:assumed-role/airflow/session", questions)

    assert denied == ["s3:PutObject on arn:aws:s3:::b/*"]


def test_an_image_is_looked_for_as_its_uri_names_it(
    table: Any, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By tag, or by the digest that cannot be pushed anew."""
    table()
    ecr, repository = stand_in.client("ecr"), "pinned-analyzer"
    ecr.create_repository(repositoryName=repository)
    manifest = json.dumps({"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": {}, "layers": []})
    image = {"imageManifest": manifest, "imageManifestMediaType": DOCKER_MANIFEST, "imageTag": "1"}
    digest = ecr.put_image(repositoryName=repository, **image)["image"]["imageId"]["imageDigest"]
    of_repository = URI.replace("analyzer:1", repository)

    account = preflight.Account()

    assert account.manifest_type(f"{of_repository}:1") == DOCKER_MANIFEST
    assert account.manifest_type(f"{of_repository}@{digest}") == DOCKER_MANIFEST
    assert account.manifest_type(f"{of_repository}:2") is None
    assert account.manifest_type(f"{of_repository}@{DIGEST}") is None


def test_the_command_prints_the_table_and_fails(table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    table()
    text = io.StringIO()
    preflight.run(Console(file=text, width=200))
    assert text.getvalue().splitlines()[-1].startswith("Ready.")

    table(workgroup="nobody")
    text = io.StringIO()
    with pytest.raises(LauncherError, match="workgroup") as caught:
        preflight.run(Console(file=text, width=200))

    heading, *lines = text.getvalue().splitlines()
    assert [column for column in ("check", "observed", "expected", "what to do") if column in heading]
    assert any(line.startswith("workgroup") and "FAIL" in line for line in lines)
    assert caught.value.exit_code == 1


def test_unusable_settings_are_refused_before_anything_is_asked(tmp_path: Any) -> None:
    path = tmp_path / "overlay.yaml"
    path.write_text("bukcet: typing-mistake\n")

    done = subprocess.run(
        [sys.executable, "-m", "launcher", "preflight"],
        env=os.environ | {"PYTHONPATH": str(CHECKOUT / "include"), "SENTIMENT_RETRAIN_CONFIG": str(path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "bukcet" in done.stderr
    assert "Traceback" not in done.stderr
