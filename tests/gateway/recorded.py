"""What the ledger of a gateway holds."""

import sqlite3


async def recorded(gateway):
    """All records so far, as dictionaries, the oldest first."""
    await gateway.settled()
    return await gateway.app.service.ledger.database.ask(_rows)


async def hours(gateway):
    """The sums of each hour."""
    await gateway.settled()
    return await gateway.app.service.ledger.database.ask(
        lambda connection: _dicts(connection, "SELECT * FROM hours")
    )


def _rows(connection):
    return _dicts(connection, "SELECT * FROM exchanges ORDER BY number")


def _dicts(connection, query):
    cursor = connection.cursor()
    cursor.row_factory = sqlite3.Row
    return [dict(row) for row in cursor.execute(query)]
