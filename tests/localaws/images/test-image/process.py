"""A container image for tests: does what its arguments say."""

import json
import os
import pathlib
import signal
import socket
import sys
import time

base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])


def copy() -> None:
    """Write every input file, upper case, to the output, and what the container saw to `saw.json`."""
    output = base / "processing/output"
    for path in sorted((base / "processing/input").rglob("*")):
        if path.is_file():
            target = output / path.relative_to(base / "processing/input")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(path.read_text().upper())
    job = json.loads((base / "config/processingjobconfig.json").read_text())
    resources = json.loads((base / "config/resourceconfig.json").read_text())
    variables = ("COLOUR", "AWS_ENDPOINT_URL", "AWS_REGION", "OMP_NUM_THREADS")
    saw = {
        "job": job["ProcessingJobName"],
        "hosts": resources["hosts"],
        "environment": {name: os.environ.get(name) for name in variables},
        "server_environment": os.environ.get("LOCALAWS_IMAGES"),
    }
    (output / "saw.json").write_text(json.dumps(saw))
    (base / "output/message").write_text("copied")
    sys.stdout.write("copied everything" + "\n")


def fail() -> None:
    """Fail with a reason of its own."""
    (base / "output/failure").write_text("the input is not a review")
    sys.stdout.write("about to fail" + "\n")
    sys.exit(3)


def crash() -> None:
    """Fail without a reason."""
    sys.exit(7)


def sleep() -> None:
    """Run for long; end at once on SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.stdout.write("sleeping" + "\n")
    time.sleep(300)


def resolve() -> None:
    """Print the address of the job's only host and whether a connection to the stand-in succeeds."""
    host, port = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://").split(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
        reached = True
    except OSError:
        reached = False
    (base / "processing/output/network.json").write_text(
        json.dumps({"reached": reached, "algo-1": socket.gethostbyname("algo-1")})
    )


def hosts() -> None:
    """Write to `<this host>.json` which hosts there are and which input files this one has."""
    resources = json.loads((base / "config/resourceconfig.json").read_text())
    files = sorted(path.name for path in (base / "processing/input").rglob("*") if path.is_file())
    saw = {"hosts": resources["hosts"], "files": files}
    sys.stdout.write(f"this is {resources['current_host']}\n")
    (base / f"processing/output/{resources['current_host']}.json").write_text(json.dumps(saw))


def fail_second() -> None:
    """Fail on algo-2, run for long elsewhere."""
    if json.loads((base / "config/resourceconfig.json").read_text())["current_host"] == "algo-2":
        fail()
    time.sleep(300)


{
    "copy": copy,
    "fail": fail,
    "crash": crash,
    "sleep": sleep,
    "resolve": resolve,
    "hosts": hosts,
    "fail-second": fail_second,
}[sys.argv[1]]()
