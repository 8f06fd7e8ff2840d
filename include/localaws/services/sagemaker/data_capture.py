"""Data capture: requests and answers of an endpoint as JSON Lines in S3, in SageMaker's format."""

from __future__ import annotations

import base64
import json
import logging
import os
import secrets
import threading
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from localaws import artifacts
from localaws.state import now

if TYPE_CHECKING:
    from datetime import datetime

log = logging.getLogger(__name__)

Document = dict[str, Any]

_SIDES = {"INPUT": "endpointInput", "OUTPUT": "endpointOutput"}
_BOTH = "InputAndOutput"


def flush_seconds() -> float:
    """How long captured records are collected into one file: LOCALAWS_CAPTURE_SECONDS, by default 5.

    AWS writes about once a minute.
    """
    return float(os.environ.get("LOCALAWS_CAPTURE_SECONDS") or 5)


class Payload(NamedTuple):
    """A body and its content type."""

    content_type: str
    body: bytes


def line(config: Document, request: Payload, answer: Payload, moment: datetime, inference_id: str) -> bytes:
    """One captured invocation as a line of JSON.

    Args:
        config: DataCaptureConfig.
        request: what the caller sent.
        answer: what the endpoint answered.
        moment: when.
        inference_id: the caller's InferenceId; empty for none.

    Returns:
        UTF-8 with its line end; the format is in the SageMaker developer guide, "Capture data from
        real-time endpoint".
    """
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    captured = {}
    for mode, payload in (("INPUT", request), ("OUTPUT", answer)):
        if modes & {mode.title(), _BOTH}:
            captured[_SIDES[mode]] = _side(config, payload, mode)
    metadata = {"eventId": str(uuid.uuid4())}
    if inference_id:
        metadata["inferenceId"] = inference_id
    metadata["inferenceTime"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    record = {"captureData": captured, "eventMetadata": metadata, "eventVersion": "0"}
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _side(config: Document, payload: Payload, mode: str) -> Document:
    data, encoding = encoded(payload, config.get("CaptureContentTypeHeader", {}))
    return {
        "observedContentType": payload.content_type,
        "mode": mode,
        "data": data,
        "encoding": encoding,
    }


def encoded(payload: Payload, headers: Document) -> tuple[str, str]:
    """A body as text, and its encoding: CSV or JSON for the content types named so, else BASE64.

    Args:
        payload: the body.
        headers: CaptureContentTypeHeader; a body that is not UTF-8 is BASE64 whatever it says.
    """
    media_type = payload.content_type.partition(";")[0].strip().lower()
    for encoding, key in (("CSV", "CsvContentTypes"), ("JSON", "JsonContentTypes")):
        if media_type in {item.lower() for item in headers.get(key, [])}:
            try:
                return payload.body.decode(), encoding
            except UnicodeDecodeError:
                break
    return base64.b64encode(payload.body).decode(), "BASE64"


class Capture:
    """Samples an endpoint's invocations and writes them in the background. Thread-safe."""

    def __init__(self, endpoint_name: str, config: Document) -> None:
        """Of an endpoint with this DataCaptureConfig."""
        self._endpoint_name = endpoint_name
        self._config = config
        self._lock = threading.Lock()
        self._pending: dict[tuple[str, str], list[bytes]] = {}
        self._timer: threading.Timer | None = None

    @classmethod
    def of(cls, endpoint_name: str, config: Document | None) -> Capture | None:
        """The capture of an endpoint, None when its DataCaptureConfig asks for none."""
        return cls(endpoint_name, config) if config and config.get("EnableCapture") else None

    def add(self, variant: str, request: Payload, answer: Payload, inference_id: str = "") -> None:
        """Capture one invocation, if it is in the sample."""
        if secrets.randbelow(100) >= self._config["InitialSamplingPercentage"]:
            return
        moment = now()
        text = line(self._config, request, answer, moment, inference_id)
        with self._lock:
            self._pending.setdefault((variant, moment.strftime("%Y/%m/%d/%H")), []).append(text)
            if self._timer is None:
                self._timer = threading.Timer(flush_seconds(), self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Write what was collected: one object a variant and hour."""
        with self._lock:
            pending, self._pending = self._pending, {}
            self._timer = None
        destination = self._config["DestinationS3Uri"].rstrip("/")
        for (variant, hour), lines in pending.items():
            name = f"{now().strftime('%M-%S-%f')[:-3]}-{uuid.uuid4()}.jsonl"
            uri = f"{destination}/{self._endpoint_name}/{variant}/{hour}/{name}"
            try:
                artifacts.write(uri, b"".join(lines))
            except Exception:
                log.exception("%d captured invocations of %s are lost", len(lines), self._endpoint_name)

    def close(self) -> None:
        """Write what is left."""
        with self._lock:
            timer = self._timer
        if timer:
            timer.cancel()
            self.flush()


def summary(config: Document | None) -> Document | None:
    """DescribeEndpoint's DataCaptureConfig of an endpoint configuration's."""
    if not config:
        return None
    enabled = bool(config.get("EnableCapture"))
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }
