"""Entry point of the processing container: one analysis from configuration to files."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyzer import bias, bias_files, config, dataset, explain, render, report
from analyzer.cluster import of_job
from analyzer.config import AnalyzerError
from analyzer.predictor import Predictor, hosted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from analyzer.bias import BiasResult
    from analyzer.cluster import Cluster
    from analyzer.config import AnalysisConfig
    from analyzer.dataset import Dataset
    from analyzer.explain import Explanations

log = logging.getLogger("analyzer")

# DescribeProcessingJob shows this much of a message.
_MESSAGE_CHARACTERS = 1024


def main() -> int:
    """Run the analysis configured below SAGEMAKER_BASE_DIR (or /opt/ml) and return the exit code."""
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stdout)
    signal.signal(signal.SIGTERM, _stop)
    started = time.monotonic()
    try:
        run(base)
    except AnalyzerError as error:
        log.error("%s", error)  # noqa: TRY400 - the text is the whole story
        _tell_failure(base, str(error))
        return 1
    except Exception as error:
        log.exception("The analysis failed unexpectedly")
        _tell_failure(base, f"Internal error: {type(error).__name__}: {error}")
        return 1
    log.info("Analysis finished in %.1f s", time.monotonic() - started)
    return 0


def run(base: Path) -> dict[str, Any] | None:
    """Carry out the analysis below `base` and return what was written to `analysis.json`.

    Reads `processing/input/{config/analysis_config.json,data}` and `config/`, writes `processing/output`.
    Returns None on an instance that only helps another. Raises `AnalyzerError`; no `analysis.json` is written
    then, so a failed job leaves no half a result.
    """
    cluster = of_job(base / "config")
    try:
        return _run(base, cluster)
    except AnalyzerError as error:
        cluster.failed(str(error))
        raise
    except Exception as error:
        cluster.failed(f"{type(error).__name__}: {error}")
        raise
    finally:
        cluster.close()


def _run(base: Path, cluster: Cluster) -> dict[str, Any] | None:
    settings = config.load(base / "processing/input/config/analysis_config.json")
    output = base / "processing/output"
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        scratch = Path(directory)
        source = base / "processing/input/data"
        if settings.dataset_uri is not None:
            (scratch / "dataset").mkdir()
            source = dataset.download(settings.dataset_uri, scratch / "dataset")
        bias_result: BiasResult | None = None
        explanations: Explanations | None = None
        counted = bias_files.can(settings)
        if counted:
            bias_result = bias_files.analyze(settings, source, cluster)
        if not counted or _explains(settings):
            data = dataset.load(settings, source)
            predictor = (
                stack.enter_context(_predictor(settings, cluster, data.features)) if _asks(settings) else None
            )
            if not counted and _measures_bias(settings):
                bias_result = _bias(settings, data, predictor, cluster, scratch)
            if predictor is not None and _explains(settings):
                explanations = explain.explain(settings, data, predictor, cluster, output, scratch)
            cluster.await_all("done")
    return _write(settings, output, bias_result, explanations) if cluster.leads else None


def _explains(settings: AnalysisConfig) -> bool:
    return settings.methods.shap is not None or settings.methods.pdp is not None


def _asks(settings: AnalysisConfig) -> bool:
    post_training = settings.methods.post_training_bias is not None
    return settings.predictor is not None and (
        _explains(settings) or (post_training and settings.predicted_label is None)
    )


def _measures_bias(settings: AnalysisConfig) -> bool:
    return bool(settings.methods.pre_training_bias or settings.methods.post_training_bias)


@contextmanager
def _predictor(settings: AnalysisConfig, cluster: Cluster, features: list[str]) -> Iterator[Predictor]:
    """Yield the predictor of one endpoint for all instances, which the leading one creates."""
    wanted = settings.predictor
    if wanted is None:
        raise AnalyzerError("The analysis needs predictor.")
    if not cluster.leads:
        name = cluster.tell("endpoint", None)
        yield Predictor(name, wanted, features)
        return
    with hosted(wanted, features) as predictor:
        cluster.tell("endpoint", predictor.endpoint_name)
        yield predictor


def _bias(
    settings: AnalysisConfig, data: Dataset, predictor: Predictor | None, cluster: Cluster, scratch: Path
) -> BiasResult | None:
    predicted = None
    if settings.methods.post_training_bias is not None:
        if data.predicted_label is not None:
            predicted = data.frame[data.predicted_label]
        elif predictor is None:
            raise AnalyzerError("Post-training bias needs predicted_label or predictor.")
        else:
            predicted = explain.predicted_labels(settings, data, predictor, cluster, scratch)
    if not cluster.leads:
        return None
    if not cluster.replicated:
        raise AnalyzerError(
            "This bias analysis needs the whole dataset on the first of several instances: set "
            "S3DataDistributionType FullyReplicated, or use one instance. (The flip test and JSON need the "
            "rows themselves.)"
        )
    return bias.analyze(settings, data, predicted)


def _write(
    settings: AnalysisConfig,
    output: Path,
    bias_result: BiasResult | None,
    explanations: Explanations | None,
) -> dict[str, Any]:
    """Write report and analysis, and return the latter."""
    document: dict[str, Any] = {"version": "1.0", **(bias_result.sections if bias_result else {})}
    if explanations:
        document["explanations"] = explanations.section
    wanted = settings.methods.report
    blocks = report.build(wanted.title, bias_result, explanations)
    (output / f"{wanted.name}.html").write_text(render.page(wanted.title, blocks), "utf-8")
    (output / f"{wanted.name}.ipynb").write_text(render.notebook(blocks), "utf-8")
    (output / "analysis.json").write_text(json.dumps(document, indent=4), "utf-8")
    return document


def _tell_failure(base: Path, message: str) -> None:
    directory = base / "output"
    directory.mkdir(parents=True, exist_ok=True)
    for name in ("message", "failure"):
        (directory / name).write_text(message[:_MESSAGE_CHARACTERS], "utf-8")


def _stop(number: int, frame: FrameType | None) -> None:
    del frame
    log.warning("Signal %d received, cleaning up", number)
    # Leaves through every `finally`, so a shadow endpoint goes with the job.
    sys.exit(128 + number)
