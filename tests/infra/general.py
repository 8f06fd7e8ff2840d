"""Resources without what differs from recording to recording: two of the same code are alike. Pure."""

from __future__ import annotations

import re

#: Patterns and what takes their place, in this order.
_RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # Run keys (naming.run_key), in the bucket's folder of runs and in that of digests.
        (r"(?<=/runs/)\d{8}-[^/]+", "20260301-run"),
        (r"(?<=/runs/digests/)(?!sent/)([^/]+)/[^/]+", r"\1/20260301-run.json"),
        # What nobody of ours names: captured requests, what instances exchange, what Autopilot writes.
        (r"(?<=/capture/)([^/]+)/.+", r"\1/AllTraffic/requests.jsonl"),
        (r"(?<=/\.exchange/).+", "message"),
        (r"(/jobs/[^/]*-automl-[^/]+/[^/]+)/.+", r"\1/result"),
        # Names of jobs, models and configurations (naming.job_name), and of an analysis' shadow endpoint.
        (r"\d{8}-[0-9a-f]{10}(-r\d+)?", "20260301-0123456789"),
        (r"(?<=/sm-clarify-).+", "sentiment-retrain-model-0123456789-0123"),
        (r"(?<=:model-package/)([^/]+)/\d+", r"\1/1"),
        (r"(?<=:model-card/)(.+)-\d+$", r"\1-1"),
        (r"\d{4}-\d\d-\d\d", "2026-03-01"),
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}", "0-0"),
        (r"(?<=/told/)(\w+)-\d+", r"\1-0"),
        (r"(?<=/)[0-9a-f]{12,64}(?![0-9a-z])", "0123456789ab"),
    )
)


def general(resource: str) -> str:
    """An ARN with what differs from run to run replaced."""
    for pattern, replacement in _RULES:
        resource = pattern.sub(replacement, resource)
    return resource
