"""A process that renews a token: says `ready`, waits for a line, and says what it was given."""

import sys
from pathlib import Path

from oauth_rows import row

from pointsman.accounts.oauth.session import renewal_of

data, url = sys.argv[1:]
renewal = renewal_of(row(url), Path(data))
seen = renewal.kept()
print("ready", flush=True)
sys.stdin.readline()
print("asks", flush=True)
print(renewal.renewed(seen).access_token, flush=True)
