"""Open bias and SHAP analysis: SageMaker Clarify's analysis configuration in, Clarify's files out."""
