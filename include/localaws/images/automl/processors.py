"""Fitted data processors: built by the generated modules, kept as `model.joblib` beside that module."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from automl import labels
from automl.errors import ClientError
from scipy import sparse

if TYPE_CHECKING:
    from types import ModuleType

    from automl.labels import LabelEncoder
    from automl.models import Matrix
    from automl.workspace import Workspace
    from numpy.typing import NDArray

MODEL_FILE = "model.joblib"


@dataclass
class Processor:
    """A fitted data processor."""

    name: str
    columns: list[str]
    target: str
    features: Any
    labels: LabelEncoder

    def transform(self, cells: NDArray[Any]) -> Matrix:
        """Rows of cells as strings, of shape (rows, columns), as a matrix of shape (rows, features)."""
        return _single_precision(self.features.transform(cells))


def fit(name: str, module_path: Path, cells: NDArray[Any]) -> tuple[Processor, Matrix]:
    """Fit the processor of a generated module; returns it and the transformed rows.

    Raises `ClientError` when the data does not suit it (such as text without a word that repeats).
    """
    module = _load(name, module_path)
    features = module.build_feature_transform()
    try:
        matrix = features.fit_transform(cells)
    except ValueError as error:
        raise ClientError(f"Data processor {name} does not suit the data: {error}") from error
    processor = Processor(
        name=name,
        columns=list(module.HEADER["columns"]),
        target=module.HEADER["target"],
        features=features,
        labels=module.build_label_transform(),
    )
    return processor, _single_precision(matrix)


def _single_precision(matrix: Matrix) -> Matrix:
    """The precision in which features travel between containers, so that training sees the same numbers.

    In the order of the columns too, which fitting and transforming differ in and sums of floats depend on.
    """
    if not sparse.issparse(matrix):
        return matrix.astype(np.float32)
    rows = sparse.csr_matrix(matrix, dtype=np.float32)
    rows.sort_indices()
    return rows


def _load(name: str, path: Path) -> ModuleType:
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise FileNotFoundError(f"{path} is not a Python module")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def save(processor: Processor, module_path: Path, workspace: Workspace, job_name: str) -> str:
    """Pack `model.joblib` and the code as the processor's training job would; returns their place."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write(processor, module_path, directory)
        place = f"data-processor-models/{job_name}/output/model.tar.gz"
        workspace.pack(directory, place)
        return place


def write(processor: Processor, module_path: Path, directory: Path) -> None:
    """Write what the model archive of a processor holds."""
    (directory / "code").mkdir(parents=True)
    joblib.dump(processor, directory / MODEL_FILE, compress=1)
    labels.save(processor.labels, directory)
    shutil.copyfile(module_path, directory / "code" / module_path.name)
    shutil.copyfile(Path(__file__).with_name("serve.py"), directory / "code" / "sagemaker_serve.py")


def load(directory: Path) -> Processor:
    """Read a processor from its unpacked model archive."""
    processor = joblib.load(directory / MODEL_FILE)
    if not isinstance(processor, Processor):
        raise TypeError(
            f"{directory / MODEL_FILE} holds a {type(processor).__name__}, expected a data processor"
        )
    return processor
