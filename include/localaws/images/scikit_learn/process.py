"""Processing without a ContainerEntrypoint: ContainerArguments are the command, run as they are given."""

from __future__ import annotations

import os
import sys


def main(arguments: list[str]) -> None:
    """Become the program named by the arguments.

    Raises:
        SystemExit: there are no arguments, or no such program.
    """
    if not arguments:
        sys.exit("Nothing to run: give ContainerEntrypoint, or a command in ContainerArguments.")
    program = sys.executable if arguments[0] in ("python", "python3") else arguments[0]
    try:
        os.execvp(program, [program, *arguments[1:]])  # noqa: S606  the job's own command
    except FileNotFoundError:
        sys.exit(f"The program {program} is not in this container.")


if __name__ == "__main__":
    main(sys.argv[1:])
