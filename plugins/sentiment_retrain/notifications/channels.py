"""How a message travels: Airflow notifiers for an SNS topic and for a Slack-compatible webhook.

Both can be hung on any DAG or task of yours as well. The webhook's address is a secret: it is read from an
Airflow connection when a message is sent, masked in logs, and in no message of an error.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.sdk import BaseNotifier

from sentiment_retrain.aws.hooks import Aws
from sentiment_retrain.errors import NotificationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Connection, Context

TIMEOUT_SECONDS = 10.0
TRIES = 3
_PAUSE_SECONDS = 1.0
_SUBJECT_LIMIT = 200
_TAIL_LINES = 2
_LEFT_OUT = "… (the rest is on the card)"
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
#: Slack advises 4,000 characters and cuts at 40,000; SNS takes 256 KB. Nobody reads as much.
TEXT_LIMIT = 4_000


class _Notifier(BaseNotifier):
    """A notifier that works in the triggerer as well."""

    async def async_notify(self, context: Context) -> None:
        """Send from a thread that may ask Airflow for a connection, which one of asyncio's own may not."""
        from asgiref.sync import sync_to_async

        await sync_to_async(self.notify)(context)


class TopicNotifier(_Notifier):
    """Publishes to an SNS topic. Filter policies of subscriptions may use the attributes.

    :param topic_arn: the topic; its region is the one asked
    :param subject: at most 99 ASCII characters
    :param attributes: message attributes, text by name
    """

    template_fields: Sequence[str] = ("topic_arn", "subject", "text", "attributes")

    def __init__(
        self,
        topic_arn: str,
        subject: str,
        text: str,
        attributes: dict[str, str] | None = None,
        context: Context | None = None,
    ) -> None:
        super().__init__(context=context)
        self.topic_arn = topic_arn
        self.subject = subject
        self.text = text
        self.attributes = attributes or {}

    def notify(self, context: Context) -> None:  # noqa: ARG002 - the form Airflow gives it
        """Publish; raises :class:`~sentiment_retrain.errors.RetrainError`."""
        attributes = {
            name: {"DataType": "String", "StringValue": value}
            for name, value in self.attributes.items()
            if value
        }
        Aws(self.topic_arn.split(":")[3]).call(
            "sns",
            "publish",
            TopicArn=self.topic_arn,
            Subject=self.subject,
            Message=shortened(self.text),
            MessageAttributes=attributes,
        )


class WebhookNotifier(_Notifier):
    """Posts ``{"text": …}`` to an incoming webhook of Slack, Mattermost, Rocket.Chat or the like.

    :param connection: id of the Airflow connection with the address, see :func:`webhook_address`
    :param subject: first line, bold
    :param text: the rest, plain; Slack's control characters in it are escaped
    """

    template_fields: Sequence[str] = ("connection", "subject", "text")

    def __init__(self, connection: str, subject: str, text: str, context: Context | None = None) -> None:
        super().__init__(context=context)
        self.connection = connection
        self.subject = subject
        self.text = text

    def notify(self, context: Context) -> None:  # noqa: ARG002 - the form Airflow gives it
        """Post; raises :class:`NotificationError`."""
        # An asterisk in it would end the bold; cut before escaping, which an "&am" would not survive.
        subject = self.subject.replace("*", " ")[:_SUBJECT_LIMIT]
        body = f"*{escaped(subject)}*\n{escaped(shortened(self.text))}"
        post(address_of(self.connection), {"text": body})


def shortened(text: str, limit: int = TEXT_LIMIT) -> str:
    """``text`` of at most ``limit`` characters: whole lines, the last ones (run and card) among them."""
    if len(text) <= limit:
        return text
    lines, tail = text.splitlines(), text.splitlines()[-_TAIL_LINES:]
    left = limit - sum(len(line) + 1 for line in tail) - len(_LEFT_OUT)
    kept: list[str] = []
    for line in lines[:-_TAIL_LINES]:
        if (left := left - len(line) - 1) < 0:
            break
        kept.append(line)
    return "\n".join([*kept, _LEFT_OUT, *tail])[:limit]


def escaped(text: str) -> str:
    """Text in which Slack reads no link and no mention (its formatting reference names these three)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def address_of(connection: str) -> str:
    """The address in an Airflow connection, from here on masked in every log; raises NotificationError."""
    from airflow.sdk import Connection
    from airflow.sdk.log import mask_secret

    try:
        found = Connection.get(connection)
    except Exception as error:
        # Whatever a secrets backend raises; its text might hold what it had read.
        raise NotificationError(
            f"the connection {connection!r} cannot be read ({type(error).__name__})"
        ) from None
    address = webhook_address(found)
    mask_secret(address)
    mask_secret(urlsplit(address).path)
    return address


def webhook_address(connection: Connection) -> str:
    """The webhook's address in any of three forms.

    The whole address as password (any type); a Slack connection (host ``https://hooks.slack.com/services``,
    token as password); or the address itself where the connection is given as a URI
    (``AIRFLOW_CONN_<ID>=https://…``).

    :raises NotificationError: without a usable address
    """
    password = connection.password or ""
    if urlsplit(password).scheme in {"http", "https"}:
        address = password
    else:
        scheme = connection.conn_type if connection.conn_type in {"http", "https"} else "https"
        host = connection.host or ""
        base = host if "://" in host else f"{scheme}://{host}"
        port = f":{connection.port}" if connection.port else ""
        path = "/".join(part.strip("/") for part in (connection.schema or "", password) if part)
        address = f"{base.rstrip('/')}{port}/{path}"
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise NotificationError(
            f"the connection {connection.conn_id!r} holds no http or https address: put it into its password"
        )
    return address


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A message that is led elsewhere arrives nowhere: a POST would be repeated as GET, without its body.

    Nor may whoever answers choose whom this machine asks next.
    """

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """None: the redirect is the answer, an error."""


def post(address: str, document: dict[str, Any]) -> None:
    """POST JSON; what may pass (429, 5xx, no answer) is tried again.

    The library is the standard one because it logs no address.

    :raises NotificationError: with the host, never with the path, which is the secret; also for a redirect
    """
    host = urlsplit(address).hostname
    request = urllib.request.Request(  # noqa: S310 - webhook_address lets http and https through only
        address, json.dumps(document).encode(), {"Content-Type": "application/json; charset=utf-8"}
    )
    opener = urllib.request.build_opener(_NoRedirects)
    for left in reversed(range(TRIES)):
        try:
            with opener.open(request, timeout=TIMEOUT_SECONDS):
                return
        except urllib.error.HTTPError as error:
            error.close()
            passing = error.code == _TOO_MANY_REQUESTS or error.code >= _SERVER_ERROR
            said = f"{host} answered {error.code}"
        except (OSError, http.client.HTTPException) as error:
            # An OSError is also a name that cannot be found, or a certificate that is not valid.
            passing, said = True, f"{host} did not answer ({type(error).__name__})"
        if not passing or not left:
            raise NotificationError(said)
        time.sleep(_PAUSE_SECONDS)
