"""`[web]`: the program's own web server, as data. Knows no HTTP."""

from __future__ import annotations

import ipaddress

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

    @field_validator("listen")
    @classmethod
    def _address(cls, listen: str) -> str:
        host, _, port = listen.strip().rpartition(":")
        if not host or not port.isdigit() or int(port) > 65_535:
            raise ValueError('write "host:port", such as "127.0.0.1:8080"')
        return listen.strip()

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
