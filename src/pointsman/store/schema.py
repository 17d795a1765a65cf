"""The schema of the database, as numbered migrations: each is added behind the others and never changed."""

RESPONSES = (
    """CREATE TABLE responses (
        owner BLOB NOT NULL, id TEXT NOT NULL, previous TEXT, used REAL NOT NULL, size INTEGER NOT NULL,
        disputed INTEGER NOT NULL DEFAULT 0, input BLOB NOT NULL, answer BLOB NOT NULL
    )""",
    "CREATE UNIQUE INDEX responses_by_id ON responses (owner, id)",
    "CREATE INDEX responses_by_use ON responses (used, size)",
    """CREATE TABLE made_elsewhere (
        owner BLOB NOT NULL, id TEXT NOT NULL, backend TEXT NOT NULL, used REAL NOT NULL,
        PRIMARY KEY (id, owner)
    ) WITHOUT ROWID""",
    "CREATE INDEX made_elsewhere_by_use ON made_elsewhere (used)",
)
"""Responses that are kept here, and which backend keeps the others. Times are seconds since the epoch."""

POOL = (
    "CREATE INDEX responses_by_any_owner ON responses (id)",
    "ALTER TABLE made_elsewhere ADD COLUMN account TEXT",
    """CREATE TABLE standings (
        backend TEXT NOT NULL, account TEXT NOT NULL, told BLOB NOT NULL, PRIMARY KEY (backend, account)
    ) WITHOUT ROWID""",
    """CREATE TABLE bindings (
        backend TEXT NOT NULL, conversation BLOB NOT NULL, account TEXT NOT NULL, used REAL NOT NULL,
        PRIMARY KEY (backend, conversation)
    ) WITHOUT ROWID""",
    """CREATE TABLE makers (
        piece BLOB PRIMARY KEY, issuer TEXT NOT NULL, noted INTEGER NOT NULL
    ) WITHOUT ROWID""",
)
"""What the pool knows of its accounts, which conversation stays with which, and who made opaque state."""

KEEPSAKES = (
    """CREATE TABLE keepsakes (
        place TEXT NOT NULL, issuer TEXT NOT NULL, answer TEXT NOT NULL, told BLOB NOT NULL,
        size INTEGER NOT NULL, used REAL NOT NULL
    )""",
    "CREATE UNIQUE INDEX keepsakes_by_place ON keepsakes (place, issuer)",
    "CREATE INDEX keepsakes_by_use ON keepsakes (used, size)",
)
"""Opaque state of tool calls, for clients that drop it; nothing is told where several answers claimed it."""

MIGRATIONS = (RESPONSES, POOL, KEEPSAKES)
