"""`[web]`: the program's own web server, as data. Knows no HTTP."""

from __future__ import annotations

import ipaddress
import re

from pydantic import BaseModel, ConfigDict, SecretStr, field_validator


class WebSettings(BaseModel):
    """`[web]`: the program's own web server."""

    model_config = ConfigDict(extra="forbid")

    listen: str = "127.0.0.1:8080"
    """`host:port`, for the playground, /healthz and /metrics."""
    playground: bool = True
    """Serve the browser playground; off whenever `listen` can be reached from elsewhere without a
    password.
    """
    password: SecretStr = SecretStr("")
    """Asked for (user name: any) before the playground opens."""
    public_url: str = ""
    """The address at which others reach this server, for signed links to files; empty: no links."""

    @field_validator("listen")
    @classmethod
    def _address(cls, listen: str) -> str:
        host, _, port = listen.strip().rpartition(":")
        if not host or not port.isdigit() or int(port) > 65_535:
            raise ValueError('write "host:port", such as "127.0.0.1:8080"')
        return listen.strip()

    @field_validator("public_url")
    @classmethod
    def _public(cls, url: str) -> str:
        url = url.strip().rstrip("/")
        if url and not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", url):
            raise ValueError('write "https://..." as others type it, without ? and #')
        return url

    @property
    def local(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.listen.rpartition(":")[0].strip("[]"))

    @property
    def open(self) -> bool:
        """Whether the playground is served."""
        return self.playground and (self.local or bool(self.password.get_secret_value()))


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine; names that merely resolve so do not."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
