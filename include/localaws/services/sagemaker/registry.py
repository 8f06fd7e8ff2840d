"""The model registry: groups, packages and cards."""

from localaws.services.sagemaker.cards import CardOperations
from localaws.services.sagemaker.packages import GroupOperations, PackageOperations


class RegistryOperations(GroupOperations, PackageOperations, CardOperations):
    """All operations of the model registry."""
