"""Retrain a product-review sentiment model on AWS and put the best model behind an endpoint."""
