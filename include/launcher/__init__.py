"""Runs the project on one machine: the stand-in for AWS, Airflow's processes, and what people type.

Not part of the product that is deployed: nothing in dags/ or plugins/ imports it.
"""
