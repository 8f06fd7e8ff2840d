# Airflow with this project's pinned requirements, CeleryExecutor among them, on the official image.
FROM apache/airflow:3.3.2-python3.11

# A fresh named volume takes the owner of what the image has in its place; nothing here runs as root.
# By number, so that Kubernetes can tell that it is not root; 50000 is `airflow` in the official image.
USER 50000
RUN mkdir -p /opt/airflow/auth /opt/airflow/logs

COPY --chown=airflow:root requirements-celery.txt /opt/airflow/requirements-celery.txt
RUN pip install --no-cache-dir --require-hashes -r /opt/airflow/requirements-celery.txt

COPY --chown=airflow:root dags /opt/airflow/dags
COPY --chown=airflow:root plugins /opt/airflow/plugins
COPY --chown=airflow:root include /opt/airflow/include
# Airflow's pages show its entries.
COPY --chown=airflow:root docs/runbook.md /opt/airflow/docs/runbook.md
ENV SENTIMENT_RETRAIN_INCLUDE=/opt/airflow/include
