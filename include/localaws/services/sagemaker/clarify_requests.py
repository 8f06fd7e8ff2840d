"""What a processing job must look like to run AWS's Clarify image. Pure."""

from __future__ import annotations

from typing import Any

from localaws.protocol import AwsError

Document = dict[str, Any]

REPOSITORY = "/sagemaker-clarify-processing:"
CONFIGURATION = "analysis_config"
INPUTS = (CONFIGURATION, "dataset")
OUTPUT = "analysis_result"


def check(request: Document) -> None:
    """Check names, entry point and isolation of a CreateProcessingJob request for Clarify's image.

    The rules are those of AWS's page on configuring Clarify processing jobs.

    Raises:
        AwsError: ValidationException naming what was found and what is expected.
    """
    specification = request["AppSpecification"]
    if REPOSITORY not in specification["ImageUri"]:
        return
    for key in ("ContainerEntrypoint", "ContainerArguments"):
        if key in specification:
            raise _invalid(f"{key} is not supported by the Clarify image.")
    names = [item["InputName"] for item in request.get("ProcessingInputs", [])]
    if CONFIGURATION not in names or set(names) - set(INPUTS):
        raise _invalid(
            f"The inputs of a Clarify job are {CONFIGURATION} and, unless it names a dataset_uri, dataset; "
            f"got {', '.join(names) or 'none'}."
        )
    outputs = [item["OutputName"] for item in request.get("ProcessingOutputConfig", {}).get("Outputs", [])]
    if outputs != [OUTPUT]:
        raise _invalid(f"A Clarify job has one output, {OUTPUT}; got {', '.join(outputs) or 'none'}.")
    if request.get("NetworkConfig", {}).get("EnableNetworkIsolation"):
        raise _invalid("EnableNetworkIsolation must be false: a Clarify job calls its shadow endpoint.")


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
