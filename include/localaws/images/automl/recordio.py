"""SageMaker's recordio-protobuf for sparse rows: MXNet RecordIO framing of `aialgs.data.Record` messages.

A record holds `features["values"]` as a Float32Tensor {values = 1, keys = 2, shape = 3, all packed}, and in
training data `label["values"]` as one of a single value. Written by hand: four fixed messages do not pay for
a protobuf dependency. Framing: magic, length, payload padded to 4 bytes.
"""

from __future__ import annotations

import functools
import struct
from typing import TYPE_CHECKING

import numpy as np
from automl.errors import BadRequestError
from scipy import sparse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

CONTENT_TYPE = "application/x-recordio-protobuf"
_MAGIC = 0xCED7230A
MAGIC = struct.pack("<I", _MAGIC)
_LENGTH_DELIMITED = 2


def encode(matrix: sparse.csr_matrix, ordinals: NDArray[np.int64] | None = None) -> bytes:
    """Write the rows of a sparse matrix as records, with the ordinals of their classes when given."""
    shape = _field(3, _varint(matrix.shape[1]))
    values = matrix.data.astype("<f4").tobytes()
    indices = matrix.indices.tolist()
    labels = [b""] * matrix.shape[0] if ordinals is None else [_label(ordinal) for ordinal in ordinals]
    records = []
    for start, end, label in zip(matrix.indptr[:-1], matrix.indptr[1:], labels, strict=True):
        row_keys = b"".join([_key(column) for column in indices[start:end]])
        tensor = _field(1, values[4 * start : 4 * end]) + _field(2, row_keys) + shape
        entry = _field(1, b"values") + _field(2, _field(2, tensor))
        payload = _field(1, entry) + label
        padding = b"\0" * (-len(payload) % 4)
        records.append(struct.pack("<II", _MAGIC, len(payload)) + payload + padding)
    return b"".join(records)


def decode(body: bytes) -> sparse.csr_matrix:
    """Read records into a sparse float32 matrix of shape (records, features).

    Raises `BadRequestError` for anything that is not a sequence of sparse float32 records of one width.
    """
    try:
        tensors = [_tensor(payload) for payload in _records(body)]
        widths = {int(_varints(tensor[3])[0]) for tensor in tensors}
        if len(widths) != 1:
            raise ValueError(f"rows have the widths {sorted(widths)}, expected one")
        data = np.frombuffer(b"".join(tensor.get(1, b"") for tensor in tensors), dtype="<f4")
        indices = _varints(b"".join(tensor.get(2, b"") for tensor in tensors))
        lengths = [len(tensor.get(1, b"")) // 4 for tensor in tensors]
        pointers = np.concatenate([[0], np.cumsum(lengths)])
        return sparse.csr_matrix(
            (data, indices, pointers), shape=(len(tensors), widths.pop()), dtype=np.float32
        )
    except (ValueError, KeyError, IndexError, struct.error) as error:
        raise BadRequestError(f"body is not recordio-protobuf with sparse float32 rows: {error}") from error


def decode_labels(body: bytes) -> NDArray[np.int64]:
    """The ordinals of the records' classes; raises `BadRequestError` for a record without one."""
    try:
        values = b"".join(_tensor(payload, 2)[1] for payload in _records(body))
        return np.frombuffer(values, dtype="<f4").astype(np.int64)
    except (ValueError, KeyError, IndexError, struct.error) as error:
        raise BadRequestError(f"body is not recordio-protobuf with labels: {error}") from error


def _label(ordinal: int) -> bytes:
    tensor = _field(1, struct.pack("<f", ordinal))
    return _field(2, _field(1, b"values") + _field(2, _field(2, tensor)))


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


@functools.lru_cache(maxsize=1 << 17)
def _key(column: int) -> bytes:
    return _varint(column)


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | _LENGTH_DELIMITED]) + _varint(len(content)) + content


def _records(body: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(body):
        magic, length = struct.unpack_from("<II", body, position)
        if magic != _MAGIC:
            raise ValueError(f"no record starts at byte {position}")
        position += 8
        if position + length > len(body):
            raise ValueError("the last record is cut off")
        yield body[position : position + length]
        position += length + (-length % 4)


def _tensor(payload: bytes, number: int = 1) -> dict[int, bytes]:
    """Descend record -> map entry of `features` (1) or `label` (2) -> value -> float32 tensor."""
    entry = _fields(payload)[number]
    return _fields(_fields(_fields(entry)[2])[2])


def _fields(message: bytes) -> dict[int, bytes]:
    """Length-delimited fields of a message by number."""
    found: dict[int, bytes] = {}
    position = 0
    while position < len(message):
        tag, position = _read_varint(message, position)
        if tag & 7 != _LENGTH_DELIMITED:
            raise ValueError(f"unexpected wire type {tag & 7}")
        length, position = _read_varint(message, position)
        if position + length > len(message):
            raise ValueError("a field is cut off")
        found[tag >> 3] = message[position : position + length]
        position += length
    return found


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
        shift += 7


def _varints(packed: bytes) -> NDArray[np.int64]:
    """Decode packed varints at once: each byte adds 7 bits at its place within its number."""
    octets = np.frombuffer(packed, dtype=np.uint8).astype(np.int64)
    if not len(octets):
        return octets
    last = octets < 0x80
    number: NDArray[np.int64] = np.cumsum(last) - last
    first = np.flatnonzero(np.concatenate([[True], last[:-1]]))
    place = np.arange(len(octets)) - first[number]
    return np.bincount(number, weights=(octets & 0x7F) << (7 * place)).astype(np.int64)
