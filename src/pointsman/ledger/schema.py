"""The schema of the ledger, as numbered migrations: each is added behind the others and never changed.

`exchanges` holds a row for each exchange, `hours` the sums of each hour, which outlive the rows; `runs` how
many exchanges each run of the endpoint has written, and how many were lost with it.
"""

FILE = "ledger.db"
EXCHANGES = (
    """CREATE TABLE exchanges (
        number INTEGER PRIMARY KEY, at REAL NOT NULL, request_id TEXT NOT NULL, client TEXT NOT NULL,
        client_key TEXT, method TEXT NOT NULL, path TEXT NOT NULL, operation TEXT, dialect TEXT,
        upstream_dialect TEXT, asked TEXT, model TEXT, backend TEXT, provider TEXT, account TEXT,
        rule TEXT, form TEXT, attempts TEXT NOT NULL, status INTEGER, stream INTEGER NOT NULL,
        first_byte REAL, duration REAL,
        input INTEGER, cache_read INTEGER, cache_write_5m INTEGER, cache_write_1h INTEGER, output INTEGER,
        reasoning INTEGER, estimated INTEGER NOT NULL, cost INTEGER, stop TEXT, losses TEXT, windows TEXT,
        claim TEXT, bucket TEXT NOT NULL, session TEXT, upstream_id TEXT, traceparent TEXT,
        reject TEXT, error TEXT
    )""",
    "CREATE INDEX exchanges_by_time ON exchanges (at)",
    """CREATE TABLE hours (
        hour INTEGER NOT NULL, backend TEXT NOT NULL, account TEXT NOT NULL, model TEXT NOT NULL,
        client TEXT NOT NULL, client_key TEXT NOT NULL, bucket TEXT NOT NULL,
        requests INTEGER NOT NULL, errors INTEGER NOT NULL, input INTEGER NOT NULL,
        cache_read INTEGER NOT NULL, cache_write INTEGER NOT NULL, output INTEGER NOT NULL,
        reasoning INTEGER NOT NULL, cost INTEGER NOT NULL, unpriced INTEGER NOT NULL,
        PRIMARY KEY (hour, backend, account, model, client, client_key, bucket)
    ) WITHOUT ROWID""",
    """CREATE TABLE runs (
        run TEXT PRIMARY KEY, began REAL NOT NULL, written INTEGER NOT NULL, dropped INTEGER NOT NULL,
        lost INTEGER
    ) WITHOUT ROWID""",
)
"""Times are seconds since the epoch, costs billionths of a US dollar. `unpriced` counts the exchanges with
tokens whose cost is not known; `lost` is known once a run has ended."""

CONTENTS = (
    """CREATE TABLE pieces (
        number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, data BLOB NOT NULL, size INTEGER NOT NULL,
        used REAL NOT NULL
    )""",
    "CREATE INDEX pieces_by_use ON pieces (used, size)",
    """CREATE TABLE contents (
        request_id TEXT PRIMARY KEY, at REAL NOT NULL, request BLOB NOT NULL, answer BLOB NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX contents_by_time ON contents (at)",
)
"""Bodies, where the user wants them kept: `data` is compressed."""

COUNTED_CONTENTS = (
    "DROP TABLE contents",
    "DELETE FROM pieces",
    """CREATE TABLE contents (
        request_id TEXT PRIMARY KEY, at REAL NOT NULL, request BLOB NOT NULL, answer INTEGER NOT NULL,
        size INTEGER NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX contents_by_time ON contents (at)",
    "UPDATE exchanges SET windows = NULL WHERE windows IS NOT NULL",
)
"""What a request is made of is told by the numbers of pieces, and counts for the bound; windows say when they
begin anew."""

MIGRATIONS = (EXCHANGES, CONTENTS, COUNTED_CONTENTS)
