"""Local container images: a directory here for each repository name that an ECR URI may carry.

An image directory holds ``train.py``, ``serve.py`` or ``process.py``, run by path with the stand-in's Python.
"""

REPOSITORIES = {
    "blazingtext": "blazingtext",
    "sagemaker-scikit-learn": "scikit_learn",
    "sagemaker-clarify-processing": "clarify",
    "sentiment-retrain-analyzer": "clarify",
    "sagemaker-sklearn-automl": "automl",
    "sagemaker-xgboost": "xgboost",
    "linear-learner": "linear_learner",
    "mlp": "mlp",
}
