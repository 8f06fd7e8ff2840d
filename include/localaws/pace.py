"""How fast CloudWatch's and Auto Scaling's time passes here."""

from __future__ import annotations

import os


def minute_seconds() -> float:
    """Seconds that a minute of alarm periods and scaling cooldowns lasts: LOCALAWS_MINUTE_SECONDS, else 60.

    With a small value alarms and autoscaling can be tried in seconds. Timestamps are never changed.
    """
    return float(os.environ.get("LOCALAWS_MINUTE_SECONDS") or 60)


def lasting(seconds: float) -> float:
    """How long so many seconds of a period or cooldown last here."""
    return seconds * minute_seconds() / 60
