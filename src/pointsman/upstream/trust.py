"""Which certificates are believed: the system's trust store, and a file of the user's beside it."""

import asyncio
import ssl

from pointsman.canon.errors import SetupError


class Trust:
    """TLS contexts, made once for each `ca_file`, and off the event loop, since it takes milliseconds.

    `SSL_CERT_FILE` and `SSL_CERT_DIR` stand in for the system's store, as everywhere with OpenSSL.
    """

    def __init__(self) -> None:
        self._contexts: dict[str | None, ssl.SSLContext] = {}

    async def context(self, ca_file: str | None = None) -> ssl.SSLContext:
        """The context for a backend with that `ca_file`. Raises SetupError if the file cannot be used."""
        made = self._contexts.get(ca_file)
        if made is None:
            made = await asyncio.to_thread(make_context, ca_file)
            # Two requests may have made one each; connections are pooled by context, so one of them wins.
            made = self._contexts.setdefault(ca_file, made)
        return made


def make_context(ca_file: str | None) -> ssl.SSLContext:
    """A client's context: certificates and host names are verified. Raises SetupError for a bad file."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            reason = "no certificate in it" if isinstance(error, ssl.SSLError) else error.strerror
            raise SetupError(
                f"the `ca_file` cannot be used, {reason}; it must be a file of PEM certificates: {ca_file}"
            ) from error
    return context
