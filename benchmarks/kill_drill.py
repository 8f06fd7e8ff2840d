"""SIGKILL at random moments under load: is everything that was acknowledged still there?

    .venv/bin/python benchmarks/kill_drill.py --kills 50

Writers put, overwrite, delete and multipart-upload objects, create tables and partitions, write log lines
and run processing jobs. After each kill the stand-in is started again and asked for everything it had
acknowledged. A request under way at the kill may have happened or not; both are right. Exit code 1 when
anything is lost, when a writer was refused, and when a kind of writer never had anything to lose.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from drill_check import Check, Report
from drill_jobs import BUCKET
from drill_load import LOG_GROUP, Acknowledged, Load
from servers import Server, stand_in

# Small, so that many kills fall into a snapshot.
JOURNAL_ENTRIES = "300"
# Half of the kills come at any moment, even before the first answers; half with a finished job to lose.
JOB_ROUNDS = 2
JOB_SECONDS = 60.0


def prepare(server: Server) -> None:
    """What the writers need."""
    server.client("s3").create_bucket(Bucket=BUCKET)
    server.client("s3").put_object(Bucket=BUCKET, Key="in/a.txt", Body=b"hello")
    server.client("glue").create_database(DatabaseInput={"Name": "drill"})
    server.client("logs").create_log_group(logGroupName=LOG_GROUP)
    server.create_role()


def drill(server: Server, kills: int, seed: int) -> Report:
    """All rounds; prints a line each."""
    chance = random.Random(seed)  # noqa: S311
    known, report = Acknowledged(), Report()
    server.start()
    prepare(server)
    say(" kill  load s  acknowledged  under way  restart s  replayed  objects read  lost  damaged")
    for number in range(1, kills + 1):
        before = known.requests
        load = Load(server, known, seed * 100 + number)
        began = time.monotonic()
        load.start()
        if number % JOB_ROUNDS == 0:
            known.job_ended.wait(JOB_SECONDS)
        time.sleep(chance.uniform(0.2, 5.0))
        server.kill()
        killed = datetime.now(UTC)
        seconds = time.monotonic() - began
        load.stop()
        restart = server.start()
        replayed = server.health()["state"]["journal_requests"]
        checked, under_way = report.objects_checked, len(known.under_way)
        Check(server, known, report).run(chance, killed, everything=number == kills)
        report.kills += 1
        report.restart_seconds.append(round(restart, 2))
        say(
            f"{number:5d} {seconds:7.2f} {known.requests - before:13d} {under_way:10d} {restart:10.2f} "
            f"{replayed:9d} {report.objects_checked - checked:13d} {report.lost:5d} {report.damaged:8d}"
        )
    report.requests_acknowledged = known.requests
    report.idle(known)
    return report


def say(line: str) -> None:
    """Print at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run the drill; the exit code."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--seed", type=int, default=int(time.time()), help="the moments and the data")
    options.add_argument("--report", type=Path, help="write the sums there as JSON")
    chosen = options.parse_args()
    say(f"seed {chosen.seed}")
    with tempfile.TemporaryDirectory(prefix="kill-drill-") as directory:
        server = stand_in(Path(directory), LOCALAWS_JOURNAL_ENTRIES=JOURNAL_ENTRIES)
        try:
            report = drill(server, chosen.kills, chosen.seed)
            state = server.health()["state"]
        except Exception:
            say(server.log_tail(40))
            raise
        finally:
            server.kill()
        bad = bool(report.lost or report.damaged or report.void)
        if bad:
            say(server.log_tail(200))
    for name, value in asdict(report).items():
        if name != "restart_seconds":
            say(f"{name:22} {value}")
    restarts = report.restart_seconds
    say(f"{'restart, s':22} median {statistics.median(restarts):.1f}, longest {max(restarts):.1f}")
    say(f"{'disk, bytes':22} {state['bytes']}")
    if chosen.report:
        chosen.report.write_text(json.dumps(asdict(report), indent=2))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
