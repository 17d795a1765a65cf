"""Who listens on a port of this machine, as far as Linux tells this user.

The columns of `/proc/net/tcp`: https://docs.kernel.org/networking/proc_net_tcp.html
"""

from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
LISTENS = "0A"
_LOCAL, _STATE, _INODE = 1, 3, 9


def holder(port: int) -> str:
    """The program and its process; `another program` where that cannot be seen."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port)}
    for process in PROC.glob("[0-9]*") if sockets else ():
        if sockets & set(_open_files(process)):
            return f"{_name(process)} (process {process.name})"
    return "another program"


def _inodes(port: int) -> Iterator[str]:
    for table in ("tcp", "tcp6"):
        try:
            lines = (PROC / "net" / table).read_text(encoding="ascii", errors="replace").splitlines()[1:]
        except OSError:
            continue  # not Linux, or not told
        for columns in map(str.split, lines):
            if columns[_STATE] == LISTENS and int(columns[_LOCAL].rpartition(":")[2], 16) == port:
                yield columns[_INODE]


def _open_files(process: Path) -> Iterator[str]:
    try:
        for each in (process / "fd").iterdir():
            yield str(each.readlink())
    except OSError:
        return  # another user's, or gone


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return "a program"
