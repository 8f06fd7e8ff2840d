"""Batch transform: the objects of an S3 prefix through a model's containers."""

from __future__ import annotations

import gzip
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from localaws import artifacts
from localaws.cloudwatch_logs import LogStream
from localaws.containers.serving import Answer, Pipeline, ServingError
from localaws.jobs import Job, JobFailed
from localaws.protocol import AwsError, answer
from localaws.services.sagemaker.batching import PayloadTooLargeError, assemble, batches, records
from localaws.services.sagemaker.data_processing import (
    CSV,
    JSON,
    JSON_LINES,
    DataProcessing,
    DataProcessingError,
    media_type,
    read,
    select,
    write,
)
from localaws.services.sagemaker.job_resources import JobResource, log_stream, refuse
from localaws.services.sagemaker.models import runnable_containers
from localaws.services.sagemaker.resources import Operations
from localaws.state import now

if TYPE_CHECKING:
    from moto.core.responses import ActionResult

Document = dict[str, Any]

LOG_GROUP = "/aws/sagemaker/TransformJobs"
DEFAULT_PAYLOAD_MB = 6
DEFAULT_TIMEOUT_SECONDS = 600
MAX_CONCURRENCY = 100
_MEBIBYTE = 1024 * 1024
_STRATEGIES = {"MultiRecord": "MULTI_RECORD", "SingleRecord": "SINGLE_RECORD"}

RESOURCE = JobResource(
    kind="TransformJob",
    path="transform-job",
    title="transform job",
    taken="Job name must be unique within an AWS account and region, and a job with this name already exists "
    "({arn})",
    missing="Could not find requested job with name: {name}",
)


class TransformOperations(Operations):
    """CreateTransformJob, DescribeTransformJob, ListTransformJobs, StopTransformJob."""

    def create_transform_job(self) -> ActionResult:
        """Start the job; it runs after this answer."""
        request = self.request()
        check(request)
        containers = runnable_containers(request["ModelName"], self.region)
        document = RESOURCE.create(self.region, request["TransformJobName"], request)
        TransformJob(document, containers, self.region).submit()
        return answer({"TransformJobArn": document["TransformJobArn"]})

    def describe_transform_job(self) -> ActionResult:
        """The request and what happened."""
        return answer(RESOURCE.find(self.region, self.request()["TransformJobName"]))

    def list_transform_jobs(self) -> ActionResult:
        """Summaries, filtered and in pages."""
        page, token = RESOURCE.page(self.request())
        return answer({"TransformJobSummaries": page, "NextToken": token})

    def stop_transform_job(self) -> ActionResult:
        """End the containers; objects that are done stay written."""
        RESOURCE.stop(self.region, self.request()["TransformJobName"])
        return answer({})


def check(request: Document) -> None:
    """Rules the service model does not hold, and what does not work here; raises `AwsError`."""
    source = request["TransformInput"]
    kind = source["DataSource"]["S3DataSource"]["S3DataType"]
    split_type = source.get("SplitType", "None")
    refuse(
        "CreateTransformJob",
        TransformInput__DataSource__S3DataSource__S3DataType=kind != "S3Prefix",
        TransformInput__SplitType=split_type not in ("None", "Line"),
        TransformResources__InstanceCount_above_1=request["TransformResources"]["InstanceCount"] > 1,
        DataCaptureConfig="DataCaptureConfig" in request,
    )
    check_data_processing(request)
    if request.get("BatchStrategy") == "MultiRecord" and split_type == "None":
        raise AwsError("ValidationException", "BatchStrategy MultiRecord needs a SplitType, e.g. Line.")
    payload, concurrency = request.get("MaxPayloadInMB", 0), request.get("MaxConcurrentTransforms", 0)
    if max(payload, concurrency, payload * concurrency) > MAX_CONCURRENCY:
        raise AwsError(
            "ValidationException",
            "MaxPayloadInMB, MaxConcurrentTransforms and their product must not exceed 100, got "
            f"{payload} and {concurrency}.",
        )


def check_data_processing(request: Document) -> None:
    """Filters must be JSONPaths, and records must be told apart to be joined; raises `AwsError`."""
    try:
        processing = DataProcessing.of(request)
    except DataProcessingError as error:
        raise AwsError("ValidationException", str(error)) from error
    if processing is None:
        return
    source, target = request["TransformInput"], request["TransformOutput"]
    kind = media_type(source.get("ContentType", ""))
    if kind not in (CSV, JSON, JSON_LINES):
        message = f"DataProcessing needs ContentType {CSV}, {JSON} or {JSON_LINES}, got {kind or 'none'}."
        raise AwsError("ValidationException", message)
    split, assemble_with = source.get("SplitType", "None"), target.get("AssembleWith", "None")
    if processing.join and split != assemble_with:
        message = f"JoinSource Input needs the same SplitType and AssembleWith, got {split}, {assemble_with}."
        raise AwsError("ValidationException", message)


class TransformJob(Job):
    """One running transform job."""

    kind = "TransformJob"
    end_time_key = "TransformEndTime"

    def __init__(self, document: Document, containers: list[Document], region: str) -> None:
        """Of a document that was just created and the containers of its model."""
        super().__init__(document["TransformJobName"])
        self._request = document
        self._input = document["TransformInput"]
        self._output = document["TransformOutput"]
        self._split_type = self._input.get("SplitType", "None")
        self._client = document.get("ModelClientConfig", {})
        self._processing = DataProcessing.of(document)
        self._region = region
        self._pipeline = Pipeline(
            containers,
            self.name,
            LOG_GROUP,
            owner=f"transform job {self.name}",
            log_stream=log_stream(self.name),
            environment=self._environment(),
            region=region,
        )

    def stop(self) -> None:
        """Ask for the end, and end the containers without waiting for them here."""
        super().stop()
        threading.Thread(target=self._pipeline.close, name=f"stop-{self.name}", daemon=True).start()

    def run(self) -> Document:
        """Send every object through the containers; raises `JobFailed` when one object fails."""
        prefix_uri = self._input["DataSource"]["S3DataSource"]["S3Uri"]
        bucket, prefix = artifacts.split_uri(prefix_uri)
        keys = artifacts.list_keys(prefix_uri)
        output = self._output["S3OutputPath"].rstrip("/")
        if not keys:
            raise JobFailed(f"ClientError: No S3 objects found under S3 URL {prefix_uri}.")
        try:
            with self._pipeline:
                self.update(TransformStartTime=now())
                self._adopt_execution_parameters()
                for key in keys:
                    target = f"{output}/{artifacts.relative_path(prefix, key)}.out"
                    self._transform(f"s3://{bucket}/{key}", target)
        except ServingError as error:
            self.check()
            raise JobFailed(str(error)) from error
        return {}

    def _environment(self) -> dict[str, str]:
        """The request's variables, and those that tell the containers of batch transform."""
        return {
            **self._request.get("Environment", {}),
            "SAGEMAKER_BATCH": "true",
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(self._request.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB)),
            "SAGEMAKER_BATCH_STRATEGY": _STRATEGIES[self._strategy],
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(self._request.get("MaxConcurrentTransforms") or 1),
        }

    @property
    def _strategy(self) -> str:
        default = "MultiRecord" if self._split_type == "Line" else "SingleRecord"
        return str(self._request.get("BatchStrategy", default))

    def _adopt_execution_parameters(self) -> None:
        """Take from the container what the request left open, as batch transform does."""
        offered = self._pipeline.execution_parameters()
        strategies = {offered_name: name for name, offered_name in _STRATEGIES.items()}
        if self._split_type == "Line" and offered.get("BatchStrategy") in strategies:
            self._request.setdefault("BatchStrategy", strategies[offered["BatchStrategy"]])
        for key in ("MaxConcurrentTransforms", "MaxPayloadInMB"):
            if key in offered:
                self._request.setdefault(key, offered[key])

    def _transform(self, source: str, target: str) -> None:
        """One object: nothing is written unless every batch was answered."""
        self.check()
        content = artifacts.read(source)
        if self._input.get("CompressionType") == "Gzip":
            content = gzip.decompress(content)
        try:
            inputs, parts = self._inputs(content)
            bodies = list(batches(parts, self._strategy, self._limit))
            with ThreadPoolExecutor(self._request.get("MaxConcurrentTransforms") or 1) as pool:
                answers = list(pool.map(lambda body: self._invoke(source, body), bodies))
            self.check()
            outputs = self._outputs(inputs, bodies, answers)
        except (PayloadTooLargeError, DataProcessingError) as error:
            raise self._failure("ClientError", source, str(error)) from error
        artifacts.write(target, assemble(outputs, self._output.get("AssembleWith", "None")))

    @property
    def _limit(self) -> int:
        """Bytes a request may have."""
        return int(self._request.get("MaxPayloadInMB", DEFAULT_PAYLOAD_MB)) * _MEBIBYTE

    def _inputs(self, content: bytes) -> tuple[list[Any], list[bytes]]:
        """The records as they are joined later, and as the model gets them, after the input filter."""
        if self._processing is None:
            return [], records(content, self._split_type)
        kind = self._input["ContentType"]
        inputs = read(content, kind)
        lines = [write(select(record, self._processing.input_filter), kind) for record in inputs]
        return inputs, lines if self._split_type == "Line" else [b"".join(lines)]

    def _outputs(self, inputs: list[Any], bodies: list[bytes], answers: list[Answer]) -> list[bytes]:
        """What is written: the answers, after the join and the output filter."""
        processing = self._processing
        if processing is None:
            return [answer.body for answer in answers]
        lines: list[bytes] = []
        for body, answered in zip(bodies, answers, strict=True):
            kind = self._input["ContentType"]
            count = len(read(body, kind))
            given, inputs = inputs[:count], inputs[count:]
            if processing.join and media_type(kind) != media_type(answered.content_type):
                raise DataProcessingError(
                    f"{kind} input cannot be joined with {answered.content_type} output."
                )
            predictions = read(answered.body, answered.content_type)
            made = processing.outputs(given, predictions, answered.content_type)
            lines += [write(record, answered.content_type) for record in made]
        return lines

    def _invoke(self, source: str, body: bytes) -> Answer:
        for _ in range(1 + self._client.get("InvocationsMaxRetries", 0)):
            self.check()
            result = self._pipeline.invoke(
                body,
                self._input.get("ContentType", "application/octet-stream"),
                self._output.get("Accept", ""),
                self._client.get("InvocationsTimeoutInSeconds", DEFAULT_TIMEOUT_SECONDS),
            )
            if result.status < 500:
                break
        if 200 <= result.status < 300:
            return result
        self.check()
        raise self._refusal(source, result)

    def _refusal(self, source: str, result: Answer) -> JobFailed:
        blame = "ClientError" if result.status < 500 else "AlgorithmError"
        said = result.body.decode("utf-8", "replace").strip()[:500]
        return self._failure(
            blame, source, f"Bad HTTP status received from {result.container}: {result.status}: {said}"
        )

    def _failure(self, blame: str, source: str, why: str) -> JobFailed:
        """What ends the job; the reason is in its data log too, as on AWS."""
        data_log = LogStream(LOG_GROUP, f"{log_stream(self.name)}/data-log", self._region)
        data_log.write(f"{source.removeprefix('s3://')}: {why}")
        data_log.close()
        return JobFailed(f"{blame}: {source}: {why}")
