"""What `accounts list` and `explain` say of an account."""

from pointsman.cli.account_words import HEADINGS, NEXT_HEADINGS, next_rows, rows

NOW = 1_000_000.0


def account(**facts):
    plain = {"account": "work", "key": "WORK_KEY", "status": "free", "why": "", "seconds_left": None}
    limits = {"headroom": 1.0, "windows": [], "claim": None, "overage": None, "in_flight": 0, "bound": 0}
    return plain | limits | facts


def window(name, used, resets=None):
    return {"name": name, "utilisation": used, "resets": resets}


def row(**facts):
    (cells,) = rows({"backend": "anthropic", "accounts": [account(**facts)]}, NOW)
    return dict(zip(HEADINGS, cells, strict=True))


def test_a_row_tells_the_windows_their_resets_and_who_is_billed():
    windows = [window("five_hour", 0.62, NOW + 7500), window("seven_day", 0.4)]

    told = row(windows=windows, headroom=0.38, claim="five_hour", overage="rejected", in_flight=2, bound=7)

    assert told["USED"] == (
        "five_hour 62%, resets in 2 h 5 min; seven_day 40%; billed to five_hour; extra usage rejected"
    )
    assert (told["LEFT"], told["IN FLIGHT"], told["BOUND"]) == ("38%", "2", "7")


def test_a_reason_says_how_long_it_holds():
    told = row(status="cooling", why="Too many requests.", seconds_left=1140.0)

    assert (told["STATUS"], told["WHY"]) == ("cooling", "Too many requests; for 19 min")


def test_the_next_request_of_a_model_has_a_row_for_each_account_that_might_serve_it():
    free = account(next=True, headroom=0.5)
    parked = account(account="old", status="refused", why="invalid key", next=False)

    told = [
        dict(zip(NEXT_HEADINGS, cells, strict=True))
        for cells in next_rows({"backend": "anthropic", "model": "claude", "accounts": [free, parked]})
    ]

    assert [(each["ACCOUNT"], each["STATUS"], each["WHY"]) for each in told] == [
        ("work", "free, serves next", ""),
        ("old", "refused", "invalid key"),
    ]
