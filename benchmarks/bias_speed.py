"""Bias metrics at scale: our analyzer beside smclarify in one run, and 100 million rows in bounded memory.

    python benchmarks/bias_speed.py --rows 1000000 10000000      # both contenders
    python benchmarks/bias_speed.py --rows 100000000 --ours      # ours alone, as no other fits

Each contender reads the same Parquet file in a process of its own, and computes all pre- and post-training
metrics of one facet value but the flip test, which needs features. Reported is the peak of resident memory
that the operating system measured for the process. `bias_agreement.py` says how smclarify is installed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "include" / "containers"))

POST = ["AD", "CDDPL", "DAR", "DCA", "DCR", "DI", "DPPL", "DRR", "GE", "RD", "SD", "TE"]
FACET_VALUE = "category_7"


def generate(path: Path, rows: int) -> None:
    """Write a Parquet (or, by its name, CSV) file of `rows` rows, as a stream."""
    import duckdb

    form = "FORMAT csv, HEADER" if path.suffix == ".csv" else "FORMAT parquet, COMPRESSION zstd"
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '1GB'")
        connection.execute("SET threads = 2")
        # Rows are made of their numbers, so that every run has the same.
        connection.execute(
            "COPY (SELECT CAST(hash(i) % 10 < 7 AS INT) AS label, "  # noqa: S608
            "CAST((hash(i) % 10 < 7) != (hash(i * 3 + 1) % 5 = 0) AS INT) AS predicted, "
            "'category_' || (hash(i * 7 + 2) % 18) AS facet, CAST(hash(i * 11 + 3) % 6 AS INT) AS grouped "
            f"FROM range({rows}) t(i)) TO '{path}' ({form})"
        )


def ours(path: Path) -> list[dict[str, Any]]:
    """Return the metrics of one facet value, by our analyzer."""
    from analyzer import bias_files, config
    from analyzer.cluster import Cluster

    settings = config.parse(
        {
            "dataset_type": "text/csv" if path.suffix == ".csv" else "application/x-parquet",
            "label": "label",
            "predicted_label": "predicted",
            "label_values_or_threshold": [1],
            "facet": [{"name_or_index": "facet", "value_or_threshold": [FACET_VALUE]}],
            "group_variable": "grouped",
            "methods": {"pre_training_bias": {"methods": "all"}, "post_training_bias": {"methods": POST}},
        }
    )
    result = bias_files.analyze(settings, path.parent, Cluster())
    if result is None:
        raise RuntimeError("one instance leads itself")
    return [
        entry for section in result.sections.values() for entry in section["facets"]["facet"][0]["metrics"]
    ]


def theirs(path: Path) -> list[dict[str, Any]]:
    """Return the same metrics, by smclarify."""
    import pandas as pd
    from smclarify.bias import report

    frame = pd.read_parquet(path)
    label = report.LabelColumn("label", frame["label"], [1])
    predicted = report.LabelColumn("predicted", frame["predicted"])
    found = []
    for stage, names in ((report.StageType.POST_TRAINING, POST), (report.StageType.PRE_TRAINING, ["all"])):
        facet = report.FacetColumn("facet", [FACET_VALUE])
        found += report.bias_report(
            frame, facet, label, stage, predicted, metrics=names, group_variable=frame["grouped"]
        )[0]["metrics"]
    return found


def child(contender: str, path: Path) -> None:
    """Measure one contender in this process and print it."""
    logging.disable(logging.CRITICAL)
    # Imports are no part of the work: both would be paid once a job.
    importlib.import_module("analyzer.bias_files" if contender == "ours" else "smclarify.bias.report")
    before, begin, processor = _peak(), time.monotonic(), time.process_time()
    values = {entry["name"]: entry["value"] for entry in {"ours": ours, "theirs": theirs}[contender](path)}
    found = {
        "seconds": time.monotonic() - begin,
        "cpu": time.process_time() - processor,
        "megabytes": _peak(),
        "added": _peak() - before,
        "values": values,
    }
    sys.stdout.write(json.dumps(found))


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(contender: str, path: Path) -> dict[str, Any]:
    """Run one contender as a process; return its seconds, values, and peak of resident memory in MB."""
    command = [sys.executable, __file__, "--contender", contender, "--path", str(path)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--ours", action="store_true", help="measure ours alone")
    parser.add_argument("--csv", action="store_true", help="from CSV")
    parser.add_argument("--contender", help=argparse.SUPPRESS)
    parser.add_argument("--path", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        child(options.contender, options.path)
        return
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / ("rows.csv" if options.csv else "rows.parquet")
            generate(path, rows)
            sys.stdout.write(f"{rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB\n")
            mine = measured("ours", path)
            sys.stdout.write(_line("ours", mine))
            if not options.ours:
                _compare(mine, measured("theirs", path))
            sys.stdout.flush()


def _compare(mine: dict[str, Any], other: dict[str, Any]) -> None:
    worst = max(abs(mine["values"][name] - value) for name, value in other["values"].items())
    ratios = {key: other[key] / mine[key] for key in ("seconds", "cpu", "megabytes", "added")}
    sys.stdout.write(
        _line("smclarify", other)
        + f"  smclarify / ours: wall {ratios['seconds']:.0f}, cpu {ratios['cpu']:.0f}, "
        f"peak memory {ratios['megabytes']:.1f}, what the work added to it {ratios['added']:.1f}; "
        f"largest difference of {len(other['values'])} metrics {worst:.2g}\n"
    )


def _line(name: str, found: dict[str, Any]) -> str:
    return (
        f"  {name}: {found['seconds']:.2f} s wall, {found['cpu']:.2f} s cpu, "
        f"{found['megabytes']:,.0f} MB peak, {found['added']:,.0f} MB of it for the work\n"
    )


if __name__ == "__main__":
    main()
