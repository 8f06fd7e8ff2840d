"""Errors of the local Autopilot image that are told to the caller."""

from __future__ import annotations


class ClientError(Exception):
    """The caller's data or settings do not allow the job; the text becomes its failure reason."""


class BadRequestError(Exception):
    """A serving request that cannot be understood; answered 400 with this text."""
