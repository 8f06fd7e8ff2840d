"""Service Quotas: the default quotas on SageMaker's instances."""
