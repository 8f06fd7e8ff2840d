"""The `train` command of the local Linear Learner image: a candidate of an AutoML job."""

from automl.candidate import main

if __name__ == "__main__":
    raise SystemExit(main("linear-learner"))
