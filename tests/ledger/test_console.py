"""The console: what a line says, and that nobody can write lines of their own into it."""

import io

from records import record

from pointsman.ledger.console import Console


def shown(*records, colour=False, **more):
    stream = io.StringIO()
    Console(stream, colour=colour, **more)(records)
    return stream.getvalue()


def test_a_line_says_what_was_asked_who_answered_and_how_it_was_billed():
    line = shown(record())

    assert line.endswith(" 200 POST /v1/messages sonnet → m-1, account work/default, api, 1.50 s\n"), line


def test_a_model_that_answers_by_its_own_name_is_named_once():
    assert "/v1/messages m-1, account" in shown(record(asked="m-1"))


def test_a_failure_names_its_error():
    line = shown(record(status=429, error="rate_limited"))

    assert " 429 POST" in line
    assert "error rate_limited" in line


def test_who_was_not_let_in_is_told_by_the_header_that_was_looked_at():
    line = shown(
        record(status=401, reject="authorization", backend=None, account=None, model=None, asked=None)
    )

    assert " 401 POST /v1/messages, rejected, looked at: authorization, 1.50 s" in line


def test_colour_is_only_shown_where_it_is_wanted():
    assert "\x1b" not in shown(record())
    assert "\x1b[32m200\x1b[0m" in shown(record(), colour=True)


def test_nothing_in_a_name_or_a_body_moves_the_cursor_or_makes_a_line():
    evil = "m\x1b[2J\r\n200 POST forged\x9b\u2028"
    line = shown(record(asked=evil, path=f"/{evil}", error=evil), beside=lambda _: [("request", evil)])

    assert "\x1b" not in line
    assert "\x9b" not in line
    assert "\u2028" not in line
    assert [each[:4] for each in line.splitlines()[1:]] == ["  re", "    ", "    "]


def test_a_terminal_that_was_closed_is_left_alone():
    class Closed(io.StringIO):
        tries = 0

        def write(self, text):
            self.tries += 1
            raise BrokenPipeError

    stream = Closed()
    console = Console(stream, colour=False)

    console([record()])
    console([record()])

    assert stream.tries == 1
