"""Batch transform's records: splitting objects, packing requests, assembling answers. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class PayloadTooLargeError(Exception):
    """A record, or an object that is not split, is larger than MaxPayloadInMB."""


def records(content: bytes, split_type: str) -> list[bytes]:
    """The records of one object.

    Args:
        content: the object.
        split_type: `None` (the whole object is one record) or `Line`; lines keep their line ends, and a line
            end inside a quoted CSV field splits too, as on AWS.
    """
    if split_type == "Line":
        return [line + b"\n" for line in content.removesuffix(b"\n").split(b"\n")] if content else []
    return [content]


def batches(of: Iterable[bytes], strategy: str, limit: int) -> Iterator[bytes]:
    """Request bodies of the records, in order.

    Args:
        of: the records.
        strategy: `MultiRecord` (as many as fit) or `SingleRecord`.
        limit: bytes a body may have; 0 is no limit.

    Raises:
        PayloadTooLargeError: one record does not fit.
    """
    batch: list[bytes] = []
    size = 0
    for record in of:
        if limit and len(record) > limit:
            raise PayloadTooLargeError(
                f"A record of {len(record)} bytes exceeds the maximum payload of {limit} bytes"
            )
        full = strategy == "SingleRecord" or (limit and size + len(record) > limit)
        if batch and full:
            yield b"".join(batch)
            batch, size = [], 0
        batch.append(record)
        size += len(record)
    if batch:
        yield b"".join(batch)


def assemble(answers: Iterable[bytes], assemble_with: str) -> bytes:
    """The output object: answers one after the other; with `Line` each ends with a line end."""
    if assemble_with != "Line":
        return b"".join(answers)
    return b"".join(answer if answer.endswith(b"\n") else answer + b"\n" for answer in answers)
