"""The `serve` command of the local Linear Learner image: a candidate of an AutoML job."""

from __future__ import annotations

from automl.inference import main
from automl.models import NetworkAverage

if __name__ == "__main__":
    main(NetworkAverage.load)
