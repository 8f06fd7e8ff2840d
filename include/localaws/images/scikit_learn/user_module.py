"""Where the user's script is: SAGEMAKER_PROGRAM in SAGEMAKER_SUBMIT_DIRECTORY."""

from __future__ import annotations

import logging
import os
import tarfile
import tempfile
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from serving import base_directory

LOG = logging.getLogger("scikit_learn")


def module_name() -> str:
    """The module to import, SAGEMAKER_PROGRAM without its `.py`.

    Raises:
        ValueError: SAGEMAKER_PROGRAM is not set.
    """
    program = os.environ.get("SAGEMAKER_PROGRAM", "")
    if not program:
        raise ValueError(
            "SAGEMAKER_PROGRAM is not set; expected the script's file name in the container's Environment."
        )
    return str(PurePosixPath(program).with_suffix("")).replace("/", ".")


def submit_directory(model_directory: Path, location: str | None = None) -> Path:
    """A local directory with the user's scripts.

    Args:
        model_directory: where the model archive was unpacked.
        location: SAGEMAKER_SUBMIT_DIRECTORY by default: an S3 URI of a sourcedir.tar.gz, or a directory under
            `/opt/ml`. Without one it is `code` in the model archive, else the archive itself.

    Raises:
        FileNotFoundError: the directory does not exist.
    """
    location = location or os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if location.startswith("s3://"):
        return _download(location)
    if not location:
        code = model_directory / "code"
        return code if code.is_dir() else model_directory
    directory = Path(location)
    if not directory.is_dir() and location.startswith("/opt/ml"):
        directory = base_directory() / PurePosixPath(location).relative_to("/opt/ml")
    if not directory.is_dir():
        raise FileNotFoundError(f"SAGEMAKER_SUBMIT_DIRECTORY is {location}, which is not in the container.")
    return directory


def warn_of_requirements(directory: Path) -> None:
    """Say that a requirements.txt is not installed here, as the real container would do."""
    if (directory / "requirements.txt").exists():
        LOG.warning(
            "requirements.txt is not installed: local containers share the stand-in's environment. "
            "Missing packages will fail at import."
        )


def _download(uri: str) -> Path:
    import boto3  # slow to import, and most containers do without

    parts = urlsplit(uri)
    directory = Path(tempfile.mkdtemp(prefix="sourcedir-"))
    archive = directory / "sourcedir.tar.gz"
    boto3.client("s3").download_file(parts.netloc, parts.path.lstrip("/"), str(archive))
    with tarfile.open(archive) as tar:
        tar.extractall(directory, filter="data")
    archive.unlink()
    return directory
