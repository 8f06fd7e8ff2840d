"""The tasks of the DAG, one module a concern."""
