"""The three containers of the BlazingText pipeline behind a stand-in's endpoint, and the model alone."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from socket import socket
from typing import Any, Self

from servers import CHECKOUT, PYTHON, ROLE, START_SECONDS, Server, stand_in

ADAPTER = CHECKOUT / "include" / "containers" / "adapter"
LOCAL_IMAGES = CHECKOUT / "include" / "localaws" / "images"
DIRECT = Path(__file__).with_name("serving_direct.py")
REGISTRY = "dkr.ecr.us-east-1.amazonaws.com"
SCIKIT_LEARN = f"683313688378.{REGISTRY}/sagemaker-scikit-learn:1.4-2-cpu-py3"
BLAZINGTEXT = f"811284229777.{REGISTRY}/blazingtext:1"
BUCKET, ENDPOINT = "serving", "chain"
# Words enough for answers that differ from text to text; what they say does not matter here.
_TRAIN = """
import itertools, sys, fasttext
words = {"-1": "awful torn refund cheap sad", "0": "okay average plain so", "1": "love great soft good"}
with open(sys.argv[1] + ".txt", "w") as file:
    for label, text in words.items():
        for pair in itertools.permutations(text.split(), 2):
            file.write(f"__label__{label} the {' '.join(pair)} it\\n")
model = fasttext.train_supervised(
    sys.argv[1] + ".txt", epoch=20, lr=0.5, dim=20, wordNgrams=2, minCount=1, bucket=200000, thread=1,
    verbose=0)
model.save_model(sys.argv[1])
"""


def train(path: Path) -> None:
    """Write a small fastText model of three classes to `path`."""
    subprocess.run([str(PYTHON), "-c", _TRAIN, str(path)], check=True, timeout=120)


def archive(files: dict[str, bytes]) -> bytes:
    """A model.tar.gz."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def script(program: str, uri: str, accept: str) -> dict[str, Any]:
    """A container of the adapter, as the plugin defines it."""
    return {
        "Image": SCIKIT_LEARN,
        "ModelDataUrl": uri,
        "Environment": {
            "SAGEMAKER_PROGRAM": program,
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": accept,
        },
    }


class Chain:
    """A stand-in with the endpoint, and the direct server, both with the same model."""

    def __init__(self, directory: Path | None = None) -> None:
        """Keep state in `directory`, or in a temporary one."""
        self._temporary = tempfile.TemporaryDirectory(prefix="serving-")
        self.directory = directory or Path(self._temporary.name)
        self.aws: Server = stand_in(self.directory)
        self.model = self.directory / "direct" / "model" / "model.bin"
        self.runtime: Any = None
        self.direct_port = 0
        self._direct: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.model.parent.mkdir(parents=True)
        train(self.model)
        try:
            self._start_direct()
            self.aws.start()
            self._create()
            self.runtime = self.aws.client("sagemaker-runtime", connections=32)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop both servers."""
        if self._direct is not None:
            self._direct.terminate()
            self._direct.wait(30)
        self.aws.stop()
        self._temporary.cleanup()

    @property
    def direct_pid(self) -> int:
        """The process of the model alone."""
        if self._direct is None:
            raise RuntimeError("the chain was not started")
        return self._direct.pid

    def ask_direct(self, body: bytes, content_type: str) -> bytes:
        """The answer of the model alone."""
        request = urllib.request.Request(  # noqa: S310  loopback
            f"http://127.0.0.1:{self.direct_port}/invocations", body, {"Content-Type": content_type}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return bytes(answer.read())

    def containers(self) -> list[dict[str, Any]]:
        """The three containers, with their artifacts in the bucket."""
        code = archive({f"code/{path.name}": path.read_bytes() for path in sorted(ADAPTER.glob("*.py"))})
        code_uri = self._put("code/model.tar.gz", code)
        model_uri = self._put("model/model.tar.gz", archive({"model.bin": self.model.read_bytes()}))
        return [
            script("transform.py", code_uri, "application/jsonlines"),
            {"Image": BLAZINGTEXT, "ModelDataUrl": model_uri},
            script("inverse_label.py", code_uri, "text/csv"),
        ]

    def _put(self, key: str, content: bytes) -> str:
        self.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=content)
        return f"s3://{BUCKET}/{key}"

    def _start_direct(self) -> None:
        with socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.direct_port = probe.getsockname()[1]
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{LOCAL_IMAGES}:{ADAPTER}",
            "SAGEMAKER_BASE_DIR": str(self.model.parents[1]),
            "SAGEMAKER_BIND_TO_PORT": str(self.direct_port),
            "OMP_NUM_THREADS": "1",
        }
        with (self.directory / "direct.log").open("wb") as log:
            self._direct = subprocess.Popen(
                [str(PYTHON), str(DIRECT)], env=environment, stdout=log, stderr=log
            )
        await_ping(self.direct_port)

    def _create(self) -> None:
        self.aws.client("s3").create_bucket(Bucket=BUCKET)
        self.aws.create_role()
        sagemaker = self.aws.client("sagemaker")
        sagemaker.create_model(ModelName=ENDPOINT, ExecutionRoleArn=ROLE, Containers=self.containers())
        variant = {"VariantName": "AllTraffic", "ModelName": ENDPOINT, "InitialVariantWeight": 1.0}
        sagemaker.create_endpoint_config(
            EndpointConfigName=ENDPOINT,
            ProductionVariants=[variant | {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}],
        )
        sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=ENDPOINT)
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=ENDPOINT, WaiterConfig={"Delay": 1})


def await_ping(port: int, path: str = "/ping") -> None:
    """Wait until a server on loopback answers; raises `TimeoutError`."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):  # noqa: S310
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise TimeoutError(f"nothing answers on port {port}")
