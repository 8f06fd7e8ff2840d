"""Command line of the stand-in."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(
        prog="python -m localaws",
        description="A stand-in for AWS on loopback that really does the work: S3, Glue, Athena, SageMaker.",
        epilog="Point any AWS tool at it with AWS_ENDPOINT_URL=http://127.0.0.1:4566 and any credentials. "
        "The environment variable LOCALAWS_IMAGES names directories with further container images, one "
        "subdirectory a repository name; LOCALAWS_BWRAP=0 runs containers without bubblewrap; "
        "LOCALAWS_FAULTS sets faults (docs/faults.md); LOCALAWS_SYNC=always forces each write to the disk "
        "before it is answered; LOCALAWS_MAX_INSTANCES bounds the processes of endpoint variants and jobs; "
        "LOCALAWS_METRIC_DATA and LOCALAWS_LOG_EVENTS bound what CloudWatch keeps in memory; "
        "LOCALAWS_MINUTE_SECONDS shortens the minutes of alarms and autoscaling; LOCALAWS_CAPTURE_SECONDS is "
        "how often captured data are written; LOCALAWS_TRAIL names a file that gets one line a request.",
    )
    options.add_argument("--host", default="127.0.0.1", help="loopback address (default %(default)s)")
    options.add_argument("--port", type=int, default=4566, help="0 takes a free one (default %(default)s)")
    options.add_argument(
        "--state", type=Path, default=Path(".local/localaws"), help="where everything is kept"
    )
    options.add_argument("--verbose", action="store_true", help="log each request")
    options.add_argument("--reset", action="store_true", help="remove everything in --state and end")
    options.add_argument("--coverage", action="store_true", help="print COVERAGE.md and end")
    return options


def reset(directory: Path) -> int:
    """Remove a state directory; returns the exit code."""
    from localaws.durability import disk

    try:
        freed = disk.reset(directory.resolve())
    except disk.ResetError as error:
        sys.stderr.write(f"localaws: {error}\n")
        return 2
    sys.stdout.write(f"Removed {directory}: {freed / 1e6:.1f} MB.\n")
    return 0


def main() -> int:
    """Run the stand-in; returns the exit code."""
    options = parser().parse_args()
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for noisy in ("boto3", "botocore", "s3transfer", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if options.coverage:
        from localaws.coverage import markdown

        sys.stdout.write(markdown())
        return 0
    if options.reset:
        return reset(options.state)
    from localaws.durability.snapshots import SnapshotError
    from localaws.server import NotStartedError, main

    try:
        main(options.host, options.port, options.state)
    except (NotStartedError, SnapshotError) as error:
        sys.stderr.write(f"localaws: {error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
