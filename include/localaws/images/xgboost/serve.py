"""The `serve` command of the local XGBoost image: a candidate of an AutoML job."""

from __future__ import annotations

from automl.inference import main
from automl.models import BoosterAverage

if __name__ == "__main__":
    main(BoosterAverage.load)
