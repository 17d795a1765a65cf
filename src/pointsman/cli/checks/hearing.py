"""Hearing: what a client really sends, found out by a listener that answers one request and ends.

Of a key only its field, its length and its first characters are told.
"""

import socket
from collections.abc import Callable, Iterable, Mapping

from pointsman.cli.checks.finding import Finding
from pointsman.server.guard import KEY_HEADERS
from pointsman.store.client_keys import ClientKey, digest_of

SHOWN = 3
"""Characters of a key."""
_SET = "set its key to POINTSMAN_API_KEY"
HEAD = 64 * 1024
"""Bytes of a request's head."""
_BODY = b'{"error":{"type":"authentication_error","message":"pointsman doctor has heard this request"}}'
_ANSWER = (
    b"HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\nconnection: close\r\n"
    b"content-length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)


def hear(
    port: int,
    timeout: float,
    own: str | None,
    keys: Iterable[ClientKey],
    tell: Callable[[str], None],
) -> Finding:
    """What the next request on the port sends. `tell` is given the address to point a client at."""
    known = {key.digest: key for key in keys if key.revoked is None}
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(timeout)
        tell(f"http://127.0.0.1:{listener.getsockname()[1]}")
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            return Finding(
                "fail", "heard", f"nobody came within {timeout:g} s", "start the client, then ask again"
            )
        with connection:
            connection.settimeout(timeout)
            head = _head(connection)
            connection.sendall(_ANSWER)
    return _judge(head, own, known)


def _head(connection: socket.socket) -> str:
    data = b""
    try:
        while b"\r\n\r\n" not in data and len(data) < HEAD:
            piece = connection.recv(8192)
            if not piece:
                break
            data += piece
    except TimeoutError:
        pass
    return data.partition(b"\r\n\r\n")[0].decode("latin-1")


def _judge(head: str, own: str | None, known: Mapping[str, ClientKey]) -> Finding:
    line, *rest = head.split("\r\n")
    fields = [
        (name.strip().lower(), value.strip()) for name, _, value in (each.partition(":") for each in rest)
    ]
    method, _, target = line.partition(" ")
    path = target.split(" ")[0].split("?")[0][:200]
    sent = [(name, _key(value)) for name, value in fields if name in KEY_HEADERS]
    agent = next((value[:100] for name, value in fields if name == "user-agent"), "no user agent")
    came = f"{method} {path} of {agent}"
    if not sent:
        level = "ok" if own is None else "fail"
        return Finding(
            level,
            "heard",
            f"none: {came} sends no key",
            "" if own is None else "set its key to POINTSMAN_API_KEY",
        )
    told = ", ".join(f"{name} with {len(value)} characters, `{value[:SHOWN]}…`" for name, value in sent)
    matching = next((_whose(value, own, known) for _, value in sent if _whose(value, own, known)), None)
    if matching is not None:
        return Finding("ok", "heard", f"match: {came} sends {told}, which is {matching}")
    if own is None:
        return Finding("ok", "heard", f"{came} sends {told}; none is asked for here")
    return Finding("fail", "heard", f"mismatch: {came} sends {told}", _SET)


def _key(value: str) -> str:
    scheme, _, rest = value.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" and rest else value


def _whose(value: str, own: str | None, known: Mapping[str, ClientKey]) -> str | None:
    if value == own:
        return "the endpoint's own"
    key = known.get(digest_of(value))
    return None if key is None else f"the key of {key.name}"
