"""SageMaker's control plane: one mixin a resource, moto for what only keeps records."""

from __future__ import annotations

from moto.sagemaker.responses import SageMakerResponse

from localaws.protocol import StrictResponse
from localaws.services.sagemaker.automl import AutoMLOperations
from localaws.services.sagemaker.endpoints import EndpointOperations
from localaws.services.sagemaker.models import ModelOperations
from localaws.services.sagemaker.processing import ProcessingOperations
from localaws.services.sagemaker.registry import RegistryOperations
from localaws.services.sagemaker.tagging import TagOperations
from localaws.services.sagemaker.training import TrainingOperations
from localaws.services.sagemaker.transform import TransformOperations


class SageMaker(
    AutoMLOperations,
    EndpointOperations,
    ModelOperations,
    ProcessingOperations,
    RegistryOperations,
    TagOperations,
    TrainingOperations,
    TransformOperations,
    StrictResponse,
    SageMakerResponse,
):
    """Every operation of ours; of moto's only those that keep records and claim no work."""

    kept_operations = frozenset(
        {
            *("create_experiment", "describe_experiment", "list_experiments", "delete_experiment"),
            *("create_trial", "describe_trial", "list_trials", "delete_trial"),
            *("create_trial_component", "describe_trial_component", "list_trial_components"),
            *("update_trial_component", "delete_trial_component"),
            *("associate_trial_component", "disassociate_trial_component"),
        }
    )
