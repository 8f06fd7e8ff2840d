"""A training image for tests: its hyperparameter `behaviour` says what it does."""

import json
import os
import pathlib
import signal
import sys
import time

base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
hyperparameters = json.loads((base / "input/config/hyperparameters.json").read_text())
channels = json.loads((base / "input/config/inputdataconfig.json").read_text())


def finish(*_: object) -> None:
    """Leave a partial model and end."""
    (base / "model/partial.txt").write_text("partial")
    sys.exit(0)


behaviour = hyperparameters.get("behaviour", "train")
if behaviour == "fail":
    (base / "output/failure").write_text("hyperparameter epochs is missing")
    sys.exit(1)
if behaviour == "sleep":
    signal.signal(signal.SIGTERM, finish)
    sys.stdout.write("training for long" + "\n")
    time.sleep(300)
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
