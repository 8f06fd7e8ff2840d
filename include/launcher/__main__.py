"""`python -m launcher <command>`: what the Makefile's targets call."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING, TextIO

from rich.console import Console

from launcher.places import CHECKOUT, Places

# The project's own package, as Airflow would put it on the path.
sys.path.append(str(CHECKOUT / "plugins"))

from launcher import (  # noqa: E402
    backfill,
    card,
    localaws,
    preflight,
    processes,
    retrain,
    rollback,
    status,
)
from launcher.failures import LauncherError, RefusedError  # noqa: E402
from launcher.ports import free_port  # noqa: E402
from launcher.predict import predict  # noqa: E402
from launcher.summary import print_summary  # noqa: E402
from sentiment_retrain.errors import RetrainError  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

INTERRUPTED = 130
LOG_WIDTH = 140


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0 done, 1 failed, 2 refused before anything started."""
    options = _parser().parse_args(arguments)
    console, errors = _console(sys.stdout), _console(sys.stderr)
    # `kill` ends a run as cleanly as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _dispatch(options, Places.here(), console)
    except LauncherError as error:
        errors.print(f"\n{error}", style="red", markup=False, soft_wrap=True)
        errors.print(f"what to do: {error.remedy}", markup=False, soft_wrap=True)
        return error.exit_code
    except RetrainError as error:
        errors.print(f"\n{error}", style="red", markup=False, soft_wrap=True)
        return RefusedError.exit_code
    except BrokenPipeError:
        # Of what is written past the console: JSON.
        _leave_pipe()
    except KeyboardInterrupt:
        errors.print("\nInterrupted.", markup=False)
        return INTERRUPTED
    except Exception as error:  # the last resort of a command line: nobody should have to read a traceback
        record = _record(Places.here())
        errors.print(f"\nLOCAL_UNEXPECTED: {type(error).__name__}: {error}", style="red", markup=False)
        errors.print(
            f"what to do: the traceback is in {record}; the processes' logs lie beside it.", markup=False
        )
        return LauncherError.exit_code
    return 0


class _Console(Console):
    """Its reader may leave: `make report | head` is no error, and `make run | head` goes on unseen."""

    def on_broken_pipe(self) -> None:
        """Write nowhere from here on."""
        self.quiet = True
        _leave_pipe()


def _leave_pipe() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _console(stream: TextIO) -> Console:
    """A log file is as wide as it needs to be; a terminal knows its own width."""
    return _Console(file=stream, highlight=False, width=None if stream.isatty() else LOG_WIDTH)


def _record(places: Places) -> Path:
    """Write the traceback of the error being handled to a file."""
    path = places.logs / "launcher.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(traceback.format_exc())
    return path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="launcher", description="What the Makefile's targets call; `make help` lists those."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    data = "a CSV file of reviews, or the s3:// URI of one on the stand-in (default: the sample reviews)"
    commands.add_parser("run", help="retrain once, end to end").add_argument("--data", default="", help=data)
    plan = commands.add_parser("plan", help="what a run would do and cost at most; starts no job")
    plan.add_argument("--data", default="", help=data)
    predict_one = commands.add_parser("predict", help="ask the live endpoint")
    predict_one.add_argument("--text", default="", help="the review")
    card_of_last = commands.add_parser("report", help="the last run's card")
    card_of_last.add_argument("--format", default="text", choices=["text", "json", "html"])
    _add_changes(commands)
    commands.add_parser("up", help="start the stand-in and Airflow with its UI, and leave them running")
    commands.add_parser("down", help="stop what was started from this checkout")
    commands.add_parser("localaws", help="run the stand-in alone, in the foreground")
    commands.add_parser("status", help="what is live, what ran, what is wrong, and what to do")
    commands.add_parser("preflight", help="is the AWS account ready for a run? starts nothing")
    return parser


def _add_changes(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The commands that redo the past or undo it."""
    past = commands.add_parser("backfill", help="runs of past days")
    past.add_argument("--from", dest="first", default="", help="first day, e.g. 2026-03-01")
    past.add_argument("--to", dest="last", default="", help="last day, included")
    past.add_argument("--dry-run", default="", help="1: print the plan of each day and start nothing")
    past.add_argument(
        "--deploy",
        default="auto",
        choices=["auto", "never", "force"],
        help="only force deploys",
    )
    past.add_argument("--parallel", type=int, default=backfill.PARALLEL, help="days at a time")
    back = commands.add_parser("rollback", help="back to a former model, and pin it")
    back.add_argument("--model", default="", help="its name, package ARN or version; default: the former")
    back.add_argument("--unpin", default="", help="1: change nothing but let runs deploy again")


def _dispatch(options: argparse.Namespace, places: Places, console: Console) -> None:
    match options.command:
        case "run" | "plan" | "backfill" | "rollback":
            _dispatch_run(options, places, console)
        case "up":
            retrain.up(places, console)
        case "down":
            retrain.down(places, console)
        case "predict":
            predict(places, options.text, console)
        case "report":
            report(places, options.format, console)
        case "status":
            status.show(places, console)
        case "preflight":
            preflight.run(console)
        case "localaws":
            foreground(places)


def _dispatch_run(options: argparse.Namespace, places: Places, console: Console) -> None:
    """The commands that plan or start runs of the DAG."""
    match options.command:
        case "run":
            retrain.run(places, options.data, console)
        case "plan":
            retrain.plan(places, options.data, console)
        case "backfill":
            wanted = backfill.Backfill.asked(options.first, options.last, options.deploy, options.parallel)
            backfill.run(places, wanted, dry_run=options.dry_run not in {"", "0"}, console=console)
        case "rollback":
            unpin = options.unpin not in {"", "0"}
            rollback.run(places, options.model, unpin=unpin, console=console)


def report(places: Places, form: str, console: Console) -> None:
    """`make report`: the newest card; JSON goes out as it is stored, for programs."""
    server = processes.find(places, localaws.NAME)
    path = card.newest(places, server.url if server else None)
    if form == "json":
        sys.stdout.write(path.read_text().rstrip() + "\n")
        sys.stdout.flush()
    elif form == "html":
        console.print(path.with_name("card.html").as_uri(), soft_wrap=True)
    else:
        print_summary(console, json.loads(path.read_text()), path)


def foreground(places: Places) -> None:
    """`make localaws`: become the stand-in.

    :raises RefusedError: it runs in the background already
    """
    running = processes.find(places, localaws.NAME)
    if running:
        raise RefusedError(
            "LOCAL_RUNNING", f"the stand-in already runs at {running.url}.", "Stop it with `make down`."
        )
    places.localaws_state.mkdir(parents=True, exist_ok=True)
    command = localaws.command(places, free_port(localaws.USUAL_PORT))
    os.chdir(CHECKOUT)
    os.execve(command[0], command, localaws.server_environment())  # noqa: S606 - a shell has no part in it


if __name__ == "__main__":
    sys.exit(main())
