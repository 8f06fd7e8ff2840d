"""Who is told of what: a failed gate or run, a waiting approval, a deployment, a rollback, a late run.

:mod:`.messages` and :mod:`.digest` say it (pure), :mod:`.channels` carry it (Airflow notifiers for SNS and
for webhooks), :mod:`.sending` decides whom and how often, :mod:`.callbacks` are what the DAG hangs on
Airflow's events.
"""
