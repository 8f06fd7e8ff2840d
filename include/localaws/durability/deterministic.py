"""A request to moto gives the same identifiers and times whenever it is carried out again.

moto takes the time from one function, random numbers from one generator, and a few identifiers from
`os.urandom`. While a request is carried out inside `request`, all three depend on its moment and seed alone,
so that the journal can be replayed: version ids, upload ids, role ids and LastModified come out as before.
"""

from __future__ import annotations

import contextlib
import datetime as datetime_module
import os
import sys
import threading
import time as time_module
from datetime import UTC, datetime, tzinfo
from random import Random
from typing import TYPE_CHECKING, Any

import moto.core.utils
import requests
from moto.moto_api._internal import mock_random
from moto.moto_api._internal.moto_random import MotoRandom

if TYPE_CHECKING:
    from collections.abc import Iterator

# Modules of moto that draw identifiers or keys from os.urandom.
_URANDOM_USERS = (
    "moto.s3.models",
    "moto.iam.models",
    "moto.kms.models",
    "moto.kms.responses",
    "moto.kms.utils",
    "moto.sts.utils",
)
# Modules that ask the system for the time instead of moto's own function.
_CLOCK_USERS = (
    "moto.s3.models",
    "moto.athena.models",
    "moto.cloudwatch.models",
    "moto.ecr.models",
    "moto.secretsmanager.models",
)
_NOTIFIERS = ("moto.sns.models",)
_NOTIFY_TIMEOUT_SECONDS = 15


class _Present(threading.local):
    moment: datetime | None = None
    random: Random | None = None
    replaying = False


_present = _Present()


@contextlib.contextmanager
def request(moment: datetime, seed: int, *, replaying: bool = False) -> Iterator[None]:
    """Within this block, in this thread: moto's clock stands at `moment`, its randomness comes from `seed`.

    With `replaying`, messages to HTTP subscribers are not sent a second time.
    """
    # Not for secrets: the same seed must give the same identifiers.
    _present.moment, _present.random = moment, Random(seed)  # noqa: S311
    _present.replaying = replaying
    try:
        yield
    finally:
        _present.moment = _present.random = None
        _present.replaying = False


class _RequestRandom(MotoRandom):
    """moto's generator, which follows the request's seed inside of `request`."""

    def random(self) -> float:
        """A float in [0, 1)."""
        source = _present.random
        return super().random() if source is None else source.random()

    def getrandbits(self, k: int) -> int:
        """An integer of `k` bits."""
        source = _present.random
        return super().getrandbits(k) if source is None else source.getrandbits(k)


class _Os:
    """The os module, with `urandom` following the request's seed."""

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    @staticmethod
    def urandom(size: int) -> bytes:
        """`size` random bytes."""
        source = _present.random
        return os.urandom(size) if source is None else source.randbytes(size)


class _Requests:
    """The requests module, whose `post` does not make its caller wait: SNS delivers asynchronously."""

    def __getattr__(self, name: str) -> Any:
        return getattr(requests, name)

    @staticmethod
    def post(url: str, **keywords: Any) -> None:
        """Send in a thread of its own; not at all while the journal is replayed."""
        if not _present.replaying:
            threading.Thread(target=_post, args=(url, keywords), name="notification", daemon=True).start()


def _post(url: str, keywords: dict[str, Any]) -> None:
    with contextlib.suppress(requests.RequestException):  # SNS does not tell publishers of it either
        requests.post(url, timeout=_NOTIFY_TIMEOUT_SECONDS, **keywords)


def _now() -> datetime:
    return (_present.moment or datetime.now(UTC)).replace(tzinfo=None)


class _AnyDatetime(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


class _Datetime(datetime, metaclass=_AnyDatetime):
    """The class datetime, whose `now` is the request's moment; its instances are plain datetimes."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        """The moment, naive and local without `tz`, as datetime has it."""
        moment = _present.moment
        if moment is None:
            return datetime.now(tz)
        return moment.astimezone(tz) if tz else moment.astimezone().replace(tzinfo=None)


class _DatetimeModule:
    """The module datetime with that class."""

    datetime = _Datetime

    def __getattr__(self, name: str) -> Any:
        return getattr(datetime_module, name)


class _Time:
    """The module time, whose `time` is the request's moment."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time_module, name)

    @staticmethod
    def time() -> float:
        """Seconds since 1970."""
        moment = _present.moment
        return time_module.time() if moment is None else moment.timestamp()


def _utcnow() -> datetime:
    moment: datetime = localaws_now()  # type: ignore[name-defined]  # noqa: F821  a global of moto.core.utils
    return moment


def install() -> None:
    """Put ourselves behind moto's sources of time and chance; call it again after moto imported more."""
    vars(moto.core.utils)["localaws_now"] = _now
    # Modules have imported the function itself, so its code is replaced and not the name.
    moto.core.utils.utcnow.__code__ = _utcnow.__code__
    mock_random.__class__ = _RequestRandom
    for name in _URANDOM_USERS:
        _replace(name, "os", _Os())
    for name in _CLOCK_USERS:
        _replace(name, "time", _Time())
        known = getattr(sys.modules.get(name), "datetime", None)
        _replace(name, "datetime", _Datetime if isinstance(known, type) else _DatetimeModule())
    for name in _NOTIFIERS:
        _replace(name, "requests", _Requests())


def _replace(module: str, name: str, shim: object) -> None:
    if module in sys.modules and hasattr(sys.modules[module], name):
        setattr(sys.modules[module], name, shim)
