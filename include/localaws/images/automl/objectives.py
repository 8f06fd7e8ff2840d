"""Objective metrics by problem type, and their names; importing this imports no library."""

DEFAULT_OBJECTIVE = {"BinaryClassification": "F1", "MulticlassClassification": "Accuracy"}
OBJECTIVES = {
    "BinaryClassification": ("Accuracy", "AUC", "BalancedAccuracy", "F1", "Precision", "Recall"),
    "MulticlassClassification": ("Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro"),
}
CLASSES_WEIGH_EQUALLY = ("BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro")
# `validation:accuracy` was seen in real jobs; the other names follow it and are UNCONFIRMED.
TUNING_NAMES = {
    "Accuracy": "validation:accuracy",
    "BalancedAccuracy": "validation:balanced_accuracy",
    "F1macro": "validation:f1_macro",
    "PrecisionMacro": "validation:precision_macro",
    "RecallMacro": "validation:recall_macro",
    "AUC": "validation:auc",
    "F1": "validation:f1_binary",
    "Precision": "validation:precision",
    "Recall": "validation:recall",
}
