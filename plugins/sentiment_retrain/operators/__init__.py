"""The tasks of the DAG, one module a concern."""

from sentiment_retrain.operators.approve import ApproveModelOperator
from sentiment_retrain.operators.autopilot import AutopilotOperator
from sentiment_retrain.operators.blazingtext import BlazingTextOperator
from sentiment_retrain.operators.catalog import RegisterGlueTablesOperator
from sentiment_retrain.operators.clarify_bias import ClarifyBiasOperator
from sentiment_retrain.operators.clarify_shap import ClarifyShapOperator
from sentiment_retrain.operators.deploy import DeployInferencePipelineOperator
from sentiment_retrain.operators.drift import DriftOperator
from sentiment_retrain.operators.evaluate import EvaluateModelOperator
from sentiment_retrain.operators.ingest import LandReviewsOperator
from sentiment_retrain.operators.planning import PlanRunOperator
from sentiment_retrain.operators.predictions import PredictOperator
from sentiment_retrain.operators.prepare import PrepareDatasetsOperator
from sentiment_retrain.operators.prune import PruneModelsOperator
from sentiment_retrain.operators.quality import AthenaQualityOperator
from sentiment_retrain.operators.registry import RegisterModelOperator
from sentiment_retrain.operators.report import PublishReportOperator
from sentiment_retrain.operators.rollback import RollbackEndpointOperator
from sentiment_retrain.operators.verdict import SelectBestModelOperator
from sentiment_retrain.operators.verify import VerifyEndpointOperator

__all__ = [
    "ApproveModelOperator",
    "AthenaQualityOperator",
    "AutopilotOperator",
    "BlazingTextOperator",
    "ClarifyBiasOperator",
    "ClarifyShapOperator",
    "DeployInferencePipelineOperator",
    "DriftOperator",
    "EvaluateModelOperator",
    "LandReviewsOperator",
    "PlanRunOperator",
    "PredictOperator",
    "PrepareDatasetsOperator",
    "PruneModelsOperator",
    "PublishReportOperator",
    "RegisterGlueTablesOperator",
    "RegisterModelOperator",
    "RollbackEndpointOperator",
    "SelectBestModelOperator",
    "VerifyEndpointOperator",
]
