"""A training image for tests: its hyperparameter `behaviour` says what it does."""

import json
import os
import pathlib
import signal
import socket
import sys
import time

base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
hyperparameters = json.loads((base / "input/config/hyperparameters.json").read_text())
channels = json.loads((base / "input/config/inputdataconfig.json").read_text())


def finish(*_: object) -> None:
    """Leave a partial model and end."""
    (base / "model/partial.txt").write_text("partial")
    sys.exit(0)


def meet(me: str, hosts: list[str]) -> list[str]:
    """Say one's name to the first host by its name; what it has heard."""
    port = int(hyperparameters.get("port", "0"))
    if not port:
        return []
    if me == hosts[0]:
        with socket.create_server((me, port)) as server:
            return sorted(server.accept()[0].makefile().read() for _ in hosts[1:])
    for _ in range(200):
        try:
            with socket.create_connection((hosts[0], port), timeout=5) as connection:
                connection.sendall(me.encode())
            break
        except OSError:
            time.sleep(0.1)
    return []


behaviour = hyperparameters.get("behaviour", "train")
if behaviour == "fail":
    (base / "output/failure").write_text("hyperparameter epochs is missing")
    sys.exit(1)
if behaviour == "sleep":
    signal.signal(signal.SIGTERM, finish)
    sys.stdout.write("training for long" + "\n")
    time.sleep(300)
if behaviour == "hosts":
    resources = json.loads((base / "input/config/resourceconfig.json").read_text())
    me = resources["current_host"]
    files = sorted(path.name for path in (base / "input/data/train").rglob("*") if path.is_file())
    seen = {"hosts": resources["hosts"], "files": files, "heard": meet(me, resources["hosts"])}
    (base / f"model/{me}.json").write_text(json.dumps(seen))
    (base / "model/first.txt").write_text(me)
    sys.exit(0)
if behaviour == "fail-second":
    if json.loads((base / "input/config/resourceconfig.json").read_text())["current_host"] == "algo-2":
        (base / "output/failure").write_text("the second host failed")
        sys.exit(1)
    time.sleep(300)
if behaviour == "pipe":
    for epoch in range(int(hyperparameters["epochs"])):
        (base / f"model/epoch-{epoch}").write_bytes((base / f"input/data/train_{epoch}").read_bytes())
    sys.exit(0)
if behaviour == "pause":
    time.sleep(1.2)
for epoch in range(3):
    sys.stdout.write(f"epoch={epoch} loss={1 / (epoch + 1):.4f};" + "\n")
lines = sum(
    len(path.read_text().splitlines()) for path in (base / "input/data/train").rglob("*") if path.is_file()
)
model = {"lines": lines, "hyperparameters": hyperparameters, "channels": sorted(channels)}
model["name"] = os.environ["TRAINING_JOB_NAME"]
(base / "model/model.json").write_text(json.dumps(model))
(base / "output/data/report.txt").write_text("fine")
