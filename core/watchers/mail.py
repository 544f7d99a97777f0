"""A message by e-mail, through an SMTP server."""

from __future__ import annotations

import os
import smtplib
import ssl
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from core.plain_text import printable, shortened
from core.settings import Email
from core.watchers.message import LONGEST, Message
from core.watchers.trying import Limit, NotTakenError, why_not


def send_mail(channel: Email, message: Message, zone: str | None, limit_s: float) -> str:
    """Send it; returns who the server took it for. Raises NotTakenError."""
    password = _password(channel)
    mail = _mail(channel, message, zone)
    to = [part.strip() for part in channel.to.split(",")]
    limit, began = Limit(limit_s), time.monotonic()
    client = _Client if channel.security != "tls" else _TLSClient
    try:
        with client(channel.host, channel.port, limit) as server:
            if channel.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if channel.user is not None:
                server.login(channel.user, password)
            refused = server.send_message(mail, channel.sender, to)
    except smtplib.SMTPException as error:
        if limit.over:
            raise why_not(error, limit) from None
        raise NotTakenError(_refusal(error)) from None
    except (OSError, ValueError) as error:
        raise why_not(error, limit) from None
    taken = len(to) - len(refused)
    return f"taken for {taken} of {len(to)} recipients, after {time.monotonic() - began:.1f} s"


def _password(channel: Email) -> str:
    if channel.password_variable is None:
        return ""
    if (password := os.environ.get(channel.password_variable)) is None:
        raise NotTakenError(
            f"The environment variable {channel.password_variable}, which should hold its password, is not set "
            "where the lab's processes were started."
        )
    return password


def _mail(channel: Email, message: Message, zone: str | None) -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = printable(message.title)
    mail["From"], mail["To"] = channel.sender, channel.to
    mail["Date"] = format_datetime(datetime.fromtimestamp(message.time, UTC))
    mail["Message-ID"] = f"<{message.id}@singularity-lab.invalid>"  # the same at each try: mail programs show it once
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(shortened(printable(message.signed(zone), keep="\n"), LONGEST) + "\n", cte="quoted-printable")
    return mail


class _Limited:
    """An SMTP client that is cut off when its time is up, from its first word on."""

    def __init__(self, host: str, port: int, limit: Limit, **options: object):
        self._cutting = limit.cutting(lambda: self.sock)
        self._cutting.__enter__()
        try:
            super().__init__(host, port, timeout=limit.left(), **options)
        except BaseException:
            self._cutting.__exit__(None, None, None)
            raise

    def close(self) -> None:
        super().close()
        self._cutting.__exit__(None, None, None)


class _Client(_Limited, smtplib.SMTP):
    pass


class _TLSClient(_Limited, smtplib.SMTP_SSL):
    def __init__(self, host: str, port: int, limit: Limit):
        super().__init__(host, port, limit, context=ssl.create_default_context())


def _refusal(error: smtplib.SMTPException) -> str:
    """What a server refused, by its code alone."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = ", ".join(sorted({str(code) for code, _ in error.recipients.values()}))
        return f"The server takes none of the recipients (SMTP {codes})."
    what = {
        smtplib.SMTPAuthenticationError: "does not take user and password",
        smtplib.SMTPSenderRefused: "does not take the sender",
        smtplib.SMTPDataError: "does not take the message",
        smtplib.SMTPConnectError: "refuses the connection",
        smtplib.SMTPHeloError: "refuses the connection",
        smtplib.SMTPNotSupportedError: "does not know what the channel asks for: STARTTLS or a login",
        smtplib.SMTPServerDisconnected: "ended the connection",
    }.get(type(error), "does not take the message")
    code = f" (SMTP {error.smtp_code})" if isinstance(error, smtplib.SMTPResponseException) else ""
    return f"The server {what}{code}."
