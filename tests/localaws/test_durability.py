"""Every acknowledged write survives SIGKILL, whatever service it was made to, as it was."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from stand_in import CHECKOUT, PYTHON, StandIn, run_processing, with_data

if TYPE_CHECKING:
    from pathlib import Path

BUCKET = "lasting"
PART = b"p" * 5 * 1024 * 1024


def restart(own: StandIn) -> None:
    """Kill and start again; when it takes snapshots all the time, not before one holds everything."""
    deadline = time.monotonic() + 30
    while own.environment and own.health()["state"]["journal_requests"] and time.monotonic() < deadline:
        time.sleep(0.2)
    own.kill()
    own.start()


@pytest.fixture(params=[{}, {"LOCALAWS_JOURNAL_ENTRIES": "0"}], ids=["from the journal", "from snapshots"])
def saved_either_way(own_stand_in: StandIn, request: pytest.FixtureRequest) -> StandIn:
    """A stand-in whose state is in its journal when it is killed, or in a snapshot."""
    own_stand_in.environment = request.param
    return own_stand_in


def test_s3_is_the_same_after_a_kill(saved_either_way: StandIn) -> None:
    own_stand_in = saved_either_way
    own_stand_in.start()
    s3 = own_stand_in.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    versions = [
        s3.put_object(Bucket=BUCKET, Key="v", Body=b"%d" % number)["VersionId"] for number in range(3)
    ]
    s3.put_object(Bucket=BUCKET, Key="ä/ö?&=.csv", Body=b"x", Metadata={"under_score": "1"}, Tagging="a=b")
    s3.copy_object(Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": "v"})
    s3.put_object(Bucket=BUCKET, Key="gone", Body=b"x")
    s3.delete_object(Bucket=BUCKET, Key="gone")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="m")["UploadId"]
    part = {"Bucket": BUCKET, "Key": "m", "UploadId": upload}
    first = s3.upload_part(**part, PartNumber=1, Body=PART)["ETag"]
    before = s3.list_object_versions(Bucket=BUCKET)
    created = s3.list_buckets()["Buckets"]

    restart(own_stand_in)
    s3 = own_stand_in.client("s3")
    after = s3.list_object_versions(Bucket=BUCKET)
    for key in ("Versions", "DeleteMarkers"):  # with times, identifiers and checksums
        assert after[key] == before[key]
    assert s3.list_buckets()["Buckets"] == created
    assert s3.get_object(Bucket=BUCKET, Key="v", VersionId=versions[1])["Body"].read() == b"1"
    assert s3.get_object(Bucket=BUCKET, Key="copy")["Body"].read() == b"2"
    found = s3.head_object(Bucket=BUCKET, Key="ä/ö?&=.csv")
    assert found["Metadata"] == {"under_score": "1"}
    tags = s3.get_object_tagging(Bucket=BUCKET, Key="ä/ö?&=.csv")["TagSet"]
    assert tags == [{"Key": "a", "Value": "b"}]
    second = s3.upload_part(**part, PartNumber=2, Body=b"end")["ETag"]
    parts = [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second}]
    s3.complete_multipart_upload(**part, MultipartUpload={"Parts": parts})

    restart(own_stand_in)
    assert own_stand_in.client("s3").get_object(Bucket=BUCKET, Key="m")["Body"].read() == PART + b"end"


def catalog(own: StandIn) -> dict[str, Any]:
    """What the other services know."""
    client = own.client
    answers = {
        "glue": client("glue").get_table(DatabaseName="d", Name="t"),
        "partitions": client("glue").get_partitions(DatabaseName="d", TableName="t"),
        "iam": client("iam").get_role(RoleName="r"),
        "logs": client("logs").get_log_events(logGroupName="g", logStreamName="s"),
        "ssm": client("ssm").get_parameter(Name="p"),
        "secret": client("secretsmanager").get_secret_value(SecretId="secret"),
        "sns": client("sns").list_topics(),
        "metrics": client("cloudwatch").list_metrics(Namespace="n"),
        "keys": client("kms").list_keys(),
        "prepared": client("athena").get_prepared_statement(StatementName="prepared", WorkGroup="primary"),
    }
    for answer in answers.values():
        del answer["ResponseMetadata"]
    return answers


def test_other_services_are_the_same_after_a_kill(saved_either_way: StandIn) -> None:
    own_stand_in = saved_either_way
    own_stand_in.start()
    client = own_stand_in.client
    columns = [{"Name": "a", "Type": "int"}]
    table = {"Name": "t", "StorageDescriptor": {"Columns": columns, "Location": "s3://b/t/"}}
    client("glue").create_database(DatabaseInput={"Name": "d"})
    client("glue").create_table(
        DatabaseName="d", TableInput=table | {"PartitionKeys": [{"Name": "dt", "Type": "string"}]}
    )
    client("glue").create_partition(
        DatabaseName="d",
        TableName="t",
        PartitionInput={"Values": ["1"], "StorageDescriptor": {"Location": "s3://b/t/1"}},
    )
    client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
    client("logs").create_log_group(logGroupName="g")
    client("logs").create_log_stream(logGroupName="g", logStreamName="s")
    event = {"timestamp": int(time.time() * 1000), "message": "hello"}
    client("logs").put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    client("ssm").put_parameter(Name="p", Value="v", Type="String")
    client("secretsmanager").create_secret(Name="secret", SecretString="hush")
    client("sns").create_topic(Name="topic")
    client("cloudwatch").put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 1}])
    key = client("kms").create_key()["KeyMetadata"]["KeyId"]
    sealed = client("kms").encrypt(KeyId=key, Plaintext=b"text")["CiphertextBlob"]
    client("athena").create_prepared_statement(
        StatementName="prepared", WorkGroup="primary", QueryStatement="SELECT 1"
    )
    before = catalog(own_stand_in)
    restart(own_stand_in)
    assert catalog(own_stand_in) == before
    assert own_stand_in.client("kms").decrypt(CiphertextBlob=sealed)["Plaintext"] == b"text"


def test_a_snapshot_replaces_the_journal_and_unused_contents_go(own_stand_in: StandIn) -> None:
    own_stand_in.start()
    s3 = own_stand_in.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    for number in range(5):
        s3.put_object(Bucket=BUCKET, Key="same", Body=b"%d" % number * 100_000)
    used = own_stand_in.health()["state"]
    assert used["journal_requests"] == 7  # a role, a bucket and five objects
    assert used["journal_bytes"] > 500_000
    assert used["bytes"] >= used["journal_bytes"]
    assert own_stand_in.stop() == 0
    own_stand_in.start()
    used = own_stand_in.health()["state"]
    assert used["journal_requests"] == 0
    assert used["objects_bytes"] == 100_000
    assert used["journal_bytes"] == 0
    got = own_stand_in.client("s3").get_object(Bucket=BUCKET, Key="same", Range="bytes=99998-")
    assert got["Body"].read() == b"44"


def test_a_record_cut_short_is_left_out_and_nothing_else(own_stand_in: StandIn) -> None:
    own_stand_in.start()
    s3 = own_stand_in.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="whole", Body=b"1")
    s3.put_object(Bucket=BUCKET, Key="cut", Body=b"2")
    own_stand_in.kill()
    (journal,) = (own_stand_in.state / "services").glob("journal-*.log")
    content = journal.read_bytes()
    journal.write_bytes(content[:-1])
    own_stand_in.start()
    listed = own_stand_in.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [item["Key"] for item in listed] == ["whole"]


def test_damage_within_a_journal_is_said(own_stand_in: StandIn) -> None:
    own_stand_in.start()
    s3 = own_stand_in.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"untouched")
    own_stand_in.kill()
    (journal,) = (own_stand_in.state / "services").glob("journal-*.log")
    journal.write_bytes(journal.read_bytes().replace(b"untouched", b"UNTOUCHED"))
    own_stand_in.start()
    assert "Contents" not in own_stand_in.client("s3").list_objects_v2(Bucket=BUCKET)
    assert "is damaged from byte" in own_stand_in.state.with_name("state.log").read_text()


def test_the_state_of_an_earlier_version_is_refused(tmp_path: Path) -> None:
    services = tmp_path / "state" / "services"
    services.mkdir(parents=True)
    (services / "s3.pickle").write_bytes(b"")
    command = [str(PYTHON), "-m", "localaws", "--port", "0", "--state", str(tmp_path / "state")]
    ended = subprocess.run(command, cwd=CHECKOUT / "include", capture_output=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "make localaws-reset" in ended.stderr.decode()


def test_the_etag_is_that_of_the_content_while_snapshots_are_taken(tmp_path: Path) -> None:
    own = StandIn(tmp_path / "state", LOCALAWS_JOURNAL_ENTRIES="0")
    try:
        own.start()
        s3 = own.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        for number in range(150):
            body = b"%d" % number * 50_000
            tag = s3.put_object(Bucket=BUCKET, Key=f"k{number % 5}", Body=body)["ETag"]
            assert tag == f'"{hashlib.md5(body).hexdigest()}"'  # noqa: S324
        assert len(s3.list_object_versions(Bucket=BUCKET)["Versions"]) == 150
    finally:
        own.kill()


def test_metric_data_and_log_events_are_bounded(tmp_path: Path) -> None:
    limits = {"LOCALAWS_METRIC_DATA": "200", "LOCALAWS_LOG_EVENTS": "100", "LOCALAWS_JOURNAL_ENTRIES": "0"}
    own = StandIn(tmp_path / "state", **limits)
    try:
        own.start()
        now = int(time.time())
        for batch in range(10):
            data = [{"MetricName": "m", "Value": 100.0 * batch + number} for number in range(100)]
            own.client("cloudwatch").put_metric_data(Namespace="n", MetricData=data)
        logs = own.client("logs")
        logs.create_log_group(logGroupName="g")
        logs.create_log_stream(logGroupName="g", logStreamName="s")
        events = [{"timestamp": now * 1000 + number, "message": f"line {number}"} for number in range(500)]
        logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
        deadline = time.monotonic() + 30
        while (held := own.health()["held"])["metric_data"] > 200 or held["log_events"] > 100:
            assert time.monotonic() < deadline, held
            time.sleep(0.3)
        own.kill()
        own.start()
        assert (own.health()["held"]["metric_data"], own.health()["held"]["log_events"]) == (200, 100)
        kept = own.client("logs").get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)
        assert [event["message"] for event in kept["events"]][0] == "line 400"
        largest = own.client("cloudwatch").get_metric_statistics(
            Namespace="n",
            MetricName="m",
            StartTime=now - 3600,
            EndTime=now + 3600,
            Period=7200,
            Statistics=["Minimum", "Maximum"],
        )["Datapoints"]
        assert max(point["Maximum"] for point in largest) == 999.0
        assert min(point["Minimum"] for point in largest) == 800.0
    finally:
        own.kill()


def test_jobs_leave_no_working_directory(own_stand_in: StandIn) -> None:
    own_stand_in.start()
    s3 = own_stand_in.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="in/a.txt", Body=b"hello")
    job = run_processing(own_stand_in.client("sagemaker"), with_data(BUCKET, "copy"))
    assert job["ProcessingJobStatus"] == "Completed"
    deadline = time.monotonic() + 10
    boxes = own_stand_in.state / "scratch" / "boxes"
    while list(boxes.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert list(boxes.iterdir()) == []


@pytest.mark.timeout(300)
def test_a_short_kill_drill(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    ended = subprocess.run(
        [
            *(sys.executable, str(CHECKOUT / "benchmarks" / "kill_drill.py")),
            *("--kills", "3", "--seed", "11", "--report", str(report)),
        ],
        capture_output=True,
        timeout=280,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout.decode() + ended.stderr.decode()
    found = json.loads(report.read_text())
    assert found["kills"] == 3
    assert found["objects_checked"] > 30
    assert found["lost"] == found["damaged"] == 0
    assert found["tables_checked"] > 0


def reset(own: StandIn) -> tuple[int, str]:
    """Exit code and words of the command behind `make localaws-reset`."""
    ended = subprocess.run(
        [str(PYTHON), "-m", "localaws", "--reset", "--state", str(own.state)],
        cwd=CHECKOUT / "include",
        capture_output=True,
        timeout=60,
        check=False,
    )
    return ended.returncode, (ended.stdout + ended.stderr).decode()


def test_reset_refuses_while_it_runs_and_forgets_everything_afterwards(own_stand_in: StandIn) -> None:
    own_stand_in.start()
    own_stand_in.client("s3").create_bucket(Bucket=BUCKET)
    code, said = reset(own_stand_in)
    assert code == 2
    assert "A stand-in uses" in said
    assert own_stand_in.client("s3").list_buckets()["Buckets"][0]["Name"] == BUCKET
    assert own_stand_in.stop() == 0
    assert reset(own_stand_in)[0] == 0
    assert not own_stand_in.state.exists()
    own_stand_in.start()
    assert own_stand_in.client("s3").list_buckets()["Buckets"] == []


def test_reset_leaves_other_directories_alone(tmp_path: Path) -> None:
    other = tmp_path / "state"
    other.mkdir()
    (other / "thesis.tex").write_text("years of work")
    code, said = reset(StandIn(other))
    assert code == 2
    assert "is no state directory" in said
    assert (other / "thesis.tex").exists()


def test_a_stop_right_after_the_start_is_heard(own_stand_in: StandIn) -> None:
    for _ in range(3):
        own_stand_in.start()
        assert own_stand_in.stop() == 0
