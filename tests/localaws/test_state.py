"""What was done survives a stop and a crash; what was under way ends honestly."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from stand_in import (
    CHECKOUT,
    ENDED,
    PYTHON,
    StandIn,
    archive,
    training_request,
    wait_for,
    with_data,
)

if TYPE_CHECKING:
    from pathlib import Path

BUCKET = "lasting"


def printed(program: str, *arguments: str) -> Any:
    """The JSON that a program prints which uses the stand-in's own modules."""
    ended = subprocess.run(
        [str(PYTHON), "-c", program, *arguments],
        cwd=CHECKOUT / "include",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    return json.loads(ended.stdout)


def fill(stand_in: StandIn) -> dict[str, Any]:
    """Make a bit of everything; return the description of a completed training job."""
    s3, sagemaker = stand_in.client("s3"), stand_in.client("sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="train/part-0", Body=b"a\nb\nc\n", Metadata={"sha256": "abc"})
    s3.put_object(Bucket=BUCKET, Key="in/a.txt", Body=b"hello")
    stand_in.client("glue").create_database(DatabaseInput={"Name": "reviews"})
    stand_in.client("sns").create_topic(Name="alerts")
    stand_in.client("iam").create_role(RoleName="runner", AssumeRolePolicyDocument="{}")
    request = training_request(BUCKET)
    sagemaker.create_training_job(**request)
    name = request["TrainingJobName"]
    describe = lambda: sagemaker.describe_training_job(TrainingJobName=name)  # noqa: E731
    return wait_for(describe, "TrainingJobStatus", *ENDED)


def check(stand_in: StandIn, before: dict[str, Any]) -> None:
    """Everything that `fill` made is there."""
    s3, sagemaker = stand_in.client("s3"), stand_in.client("sagemaker")
    after = sagemaker.describe_training_job(TrainingJobName=before["TrainingJobName"])
    assert {**after, "ResponseMetadata": None} == {**before, "ResponseMetadata": None}
    assert "model.json" in archive(stand_in.client, after["ModelArtifacts"]["S3ModelArtifacts"])
    found = s3.get_object(Bucket=BUCKET, Key="train/part-0")
    assert (found["Body"].read(), found["Metadata"]) == (b"a\nb\nc\n", {"sha256": "abc"})
    assert stand_in.client("glue").get_database(Name="reviews")["Database"]["Name"] == "reviews"


def test_everything_survives_a_stop_and_a_crash(own_stand_in: StandIn) -> None:
    own_stand_in.start()
    before = fill(own_stand_in)
    assert own_stand_in.stop() == 0
    own_stand_in.start()
    check(own_stand_in, before)
    assert own_stand_in.client("iam").get_role(RoleName="runner")["Role"]["RoleName"] == "runner"
    assert own_stand_in.client("sns").list_topics()["Topics"][0]["TopicArn"].endswith(":alerts")

    # The crash: one job is under way, and something is deleted and overwritten before it.
    s3, sagemaker = own_stand_in.client("s3"), own_stand_in.client("sagemaker")
    s3.delete_object(Bucket=BUCKET, Key="in/a.txt")
    s3.put_object(Bucket=BUCKET, Key="in/b.txt", Body=b"later")
    running = with_data(BUCKET, "sleep")
    sagemaker.create_processing_job(**running)
    training = training_request(BUCKET, HyperParameters={"behaviour": "sleep"})
    sagemaker.create_training_job(**training)
    own_stand_in.kill()  # at once: nothing but the journal holds the last writes
    own_stand_in.start()
    check(own_stand_in, before)
    s3, sagemaker = own_stand_in.client("s3"), own_stand_in.client("sagemaker")
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix="in/")["Contents"]
    assert [item["Key"] for item in listed] == ["in/b.txt"]
    orphan = sagemaker.describe_processing_job(ProcessingJobName=running["ProcessingJobName"])
    assert orphan["ProcessingJobStatus"] == "Failed"
    assert "stopped while this job ran" in orphan["FailureReason"]
    assert orphan["ProcessingEndTime"] >= orphan["CreationTime"]
    orphan = sagemaker.describe_training_job(TrainingJobName=training["TrainingJobName"])
    assert orphan["TrainingJobStatus"] == orphan["SecondaryStatus"] == "Failed"
    assert orphan["SecondaryStatusTransitions"][-1]["Status"] == "Failed"


def test_a_stop_ends_running_jobs_and_their_processes(own_stand_in: StandIn) -> None:
    own_stand_in.start()
    own_stand_in.client("s3").create_bucket(Bucket=BUCKET)
    own_stand_in.client("s3").put_object(Bucket=BUCKET, Key="in/a.txt", Body=b"hello")
    request = with_data(BUCKET, "sleep")
    sagemaker = own_stand_in.client("sagemaker")
    sagemaker.create_processing_job(**request)
    name = request["ProcessingJobName"]
    wait_for(
        lambda: (
            sagemaker.describe_processing_job(ProcessingJobName=name)
            | {"processes": len(processes_below(own_stand_in.state)) > 0}
        ),
        "processes",
        True,
    )
    assert own_stand_in.stop() == 0
    assert processes_below(own_stand_in.state) == []
    own_stand_in.start()
    job = own_stand_in.client("sagemaker").describe_processing_job(ProcessingJobName=name)
    assert job["ProcessingJobStatus"] == "Failed"
    assert "stopped while this job ran" in job["FailureReason"]


def test_children_die_with_a_killed_server(own_stand_in: StandIn) -> None:
    own_stand_in.start()
    own_stand_in.client("s3").create_bucket(Bucket=BUCKET)
    own_stand_in.client("s3").put_object(Bucket=BUCKET, Key="in/a.txt", Body=b"hello")
    own_stand_in.client("sagemaker").create_processing_job(**with_data(BUCKET, "sleep"))
    seen = lambda: {"count": len(processes_below(own_stand_in.state)) > 0}  # noqa: E731
    wait_for(seen, "count", True)
    own_stand_in.kill()
    wait_for(seen, "count", False)


def processes_below(state: Path) -> list[str]:
    """Command lines of the container processes (not the server) whose box lies below `state`."""
    listed = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if f"{state}/scratch/boxes/" in line]


def test_two_stand_ins_do_not_share_a_state(own_stand_in: StandIn) -> None:
    own_stand_in.start()
    command = [str(PYTHON), "-m", "localaws", "--port", "0", "--state", str(own_stand_in.state)]
    second = subprocess.run(command, cwd=CHECKOUT / "include", capture_output=True, timeout=60, check=False)
    assert second.returncode == 2
    assert "Another stand-in uses the state directory" in second.stderr.decode()


def test_damaged_state_is_reported_not_ignored(own_stand_in: StandIn) -> None:
    own_stand_in.start()
    own_stand_in.client("s3").create_bucket(Bucket=BUCKET)
    own_stand_in.stop()
    (saved,) = (own_stand_in.state / "services").glob("snapshot-*/s3.pickle")
    saved.write_bytes(saved.read_bytes()[:20])
    command = [str(PYTHON), "-m", "localaws", "--port", "0", "--state", str(own_stand_in.state)]
    ended = subprocess.run(command, cwd=CHECKOUT / "include", capture_output=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "s3.pickle" in ended.stderr.decode()


def test_documents_are_durable_and_keep_datetimes(tmp_path: Path) -> None:
    program = """
import datetime, json, pathlib, sys
from localaws import state
store = state.configure(pathlib.Path(sys.argv[1]))
moment = datetime.datetime(2026, 11, 22, 1, 2, 3, 456000, tzinfo=datetime.UTC)
store.create("Kind", "name", {"when": moment, "deep": [{"when": moment}], "text": "ü"})
document = store.get("Kind", "name")
document["text"] = "changed in a copy only"
taken = ""
try:
    store.create("Kind", "name", {})
except KeyError as error:
    taken = str(error)
store.update("Kind", "name", more=1)
store.put("Kind", "other", {})
store.delete("Kind", "other")
again = state.configure(pathlib.Path(sys.argv[1])).get("Kind", "name")
assert again["when"] == again["deep"][0]["when"] == moment
print(json.dumps({"text": again["text"], "more": again["more"], "taken": taken,
                  "items": len(state.store().items("Kind")), "missing": state.store().get("Kind", "x")}))
"""
    assert printed(program, str(tmp_path / "state")) == {
        "text": "ü",
        "more": 1,
        "taken": "'Kind name exists already'",
        "items": 1,
        "missing": None,
    }


def test_a_delete_does_not_break_a_listing_that_is_under_way() -> None:
    program = """
import json
from moto.s3.models import s3_backends
from localaws.durability import contents
contents.install()
s3 = s3_backends["123456789012"]["aws"]
bucket = s3.create_bucket("listed", "us-east-1")
for name in ("a", "b", "c"):
    s3.put_object("listed", name, name.encode())
listings = [bucket.keys.items(), bucket.keys.values(), bucket.keys.iterlists()]
for listing in listings:
    next(listing)
s3.delete_object("listed", "b")
names = [name for name, _ in listings[0]], [key.name for key in listings[1]]
print(json.dumps([*names, [len(versions) for _, versions in listings[2]], list(dict(bucket.keys.items()))]))
"""
    assert printed(program) == [["b", "c"], ["b", "c"], [1, 1], ["a", "c"]]


def test_a_request_of_its_own_that_fails_inside_is_tried_again() -> None:
    program = """
import json
from localaws import clients
attempts = []
def application(environ, start_response):
    attempts.append(environ["PATH_INFO"])
    if len(attempts) == 1:
        raise KeyError("deleted meanwhile")
    start_response("200 OK", [("ETag", '"e"'), ("Content-Length", "0")])
    return [b""]
clients.configure("http://127.0.0.1:1", application)
found = clients.client("s3").head_object(Bucket="some", Key="a.txt")["ETag"]
print(json.dumps([found, attempts]))
"""
    assert printed(program) == ['"e"', ["/some/a.txt"] * 2]
