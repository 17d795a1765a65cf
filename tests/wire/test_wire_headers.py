"""Header fields at the border."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.wire.headers import (
    first,
    has_via,
    http_date,
    query_without_key,
    retry_after,
    to_client,
    to_upstream_relay,
    to_upstream_translate,
    via,
)

HOPS = (
    ("connection", "keep-alive, X-Mine"),
    ("connection", "x-other"),
    ("http2-settings", "x"),
    ("keep-alive", "timeout=5"),
    ("proxy-authenticate", "Basic"),
    ("proxy-authorization", "Basic x"),
    ("proxy-connection", "close"),
    ("te", "trailers"),
    ("trailer", "x-sum"),
    ("transfer-encoding", "chunked"),
    ("upgrade", "h2c"),
    ("x-mine", "1"),
    ("x-other", "1"),
)
KEPT_BY_RELAY = (
    ("user-agent", "claude-cli/2"),
    ("accept-encoding", "gzip, br"),
    ("content-type", "application/json"),
    ("anthropic-beta", "a,b"),
    ("anthropic-beta", "c"),
    ("x-claude-code-session-id", "s"),
    ("x-stainless-retry-count", "0"),
    ("traceparent", "00-1-2-01"),
    ("referer", "http://x"),
    ("sec-fetch-mode", "cors"),
    ("via", "1.1 proxy"),
)
KEPT_BY_CLIENT = (
    ("content-type", "text/event-stream"),
    ("content-length", "10"),
    ("content-encoding", "gzip"),
    ("request-id", "req_1"),
    ("retry-after", "3"),
    ("anthropic-ratelimit-requests-remaining", "1"),
)
NOON = 784111777.0
"""Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110."""


@pytest.mark.parametrize(
    "name",
    [
        "host",
        "content-length",
        "expect",
        "cookie",
        "origin",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-proto",
        "authorization",
        "proxy-authorization",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "x-pointsman-route",
    ],
)
def test_a_field_of_this_connection_or_a_credential_does_not_go_upstream(name):
    headers = (*KEPT_BY_RELAY, (name, "value"))

    assert to_upstream_relay(headers) == KEPT_BY_RELAY
    assert to_upstream_translate(headers, [name]) == to_upstream_translate(KEPT_BY_RELAY)


def test_a_relayed_request_keeps_every_other_field_in_order():
    assert to_upstream_relay(KEPT_BY_RELAY) == KEPT_BY_RELAY


def test_fields_of_one_connection_pass_in_neither_direction():
    assert to_upstream_relay(HOPS + KEPT_BY_RELAY) == KEPT_BY_RELAY
    assert to_client(HOPS + KEPT_BY_CLIENT) == KEPT_BY_CLIENT


def test_a_translated_request_keeps_who_asks_and_what_the_row_lists():
    assert to_upstream_translate(KEPT_BY_RELAY, {"anthropic-beta"}) == (
        ("user-agent", "claude-cli/2"),
        ("anthropic-beta", "a,b"),
        ("anthropic-beta", "c"),
        ("traceparent", "00-1-2-01"),
        ("via", "1.1 proxy"),
    )


@pytest.mark.parametrize("name", ["set-cookie", "alt-svc", "strict-transport-security"])
def test_what_binds_the_client_to_the_upstreams_host_does_not_go_to_the_client(name):
    assert to_client((*KEPT_BY_CLIENT, (name, "value"))) == KEPT_BY_CLIENT


def test_the_first_of_several_fields_is_found_by_name():
    assert first(KEPT_BY_RELAY, "anthropic-beta") == "a,b"
    assert first(KEPT_BY_RELAY, "cookie") is None


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("", ""),
        ("beta=true", "beta=true"),
        ("key=secret", ""),
        ("a=%3A+b&key=secret&c", "a=%3A+b&c"),
        ("key=1&alt=sse&key=2", "alt=sse"),
        ("%6Bey=secret&keys=1&monkey=2&Key=3", "keys=1&monkey=2&Key=3"),
        ("key&a==&&b", "a==&&b"),
    ],
)
def test_a_query_loses_its_key_and_nothing_else(query, kept):
    assert query_without_key(query) == kept


@given(st.text(alphabet="ab=&%+/", max_size=20))
def test_a_query_without_a_key_stays_as_it_is(query):
    assert query_without_key(query) == query


def test_our_entry_in_via_stands_behind_the_others_and_is_found_again():
    headers = via((("via", "1.0 fred, 1.1 p.example.net"),), "a1b2")

    assert headers == (("via", "1.0 fred, 1.1 p.example.net"), ("via", "1.1 pointsman-a1b2"))
    assert has_via(headers, "a1b2")


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("1.1 pointsman-a1b2", True),
        ("1.0 fred, 1.1 pointsman-a1b2 (note), 1.1 other", True),
        ("1.1 pointsman-a1b2c", False),
        ("1.1 pointsman-other", False),
        ("", False),
    ],
)
def test_only_the_endpoints_own_entry_counts_as_its_own(value, found):
    assert has_via((("host", "x"), ("via", value)), "a1b2") is found


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((), None),
        ((("retry-after", "3"),), 3.0),
        ((("retry-after", " 1.5 "),), 1.5),
        ((("retry-after", "0"),), 0.0),
        ((("retry-after-ms", "250"), ("retry-after", "3")), 0.25),
        ((("retry-after-ms", "soon"), ("retry-after", "3")), 3.0),
        ((("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT"),), 10.0),
        ((("retry-after", "Sun, 06 Nov 1994 08:49:27 GMT"),), 0.0),
        ((("retry-after", "nan"),), None),
        ((("retry-after", "-1"),), None),
        ((("retry-after", "1e3"),), None),
        ((("retry-after", "later"),), None),
    ],
)
def test_the_wait_that_an_upstream_asks_for_is_read_in_all_its_forms(headers, seconds):
    assert retry_after(headers, NOON) == seconds


@pytest.mark.parametrize(
    "text",
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"],
)
def test_a_date_is_read_in_each_of_the_three_forms(text):
    assert http_date(text) in {NOON, NOON + 36525 * 86400}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT",
        "1994-11-06",
    ],
)
def test_what_is_no_date_is_none(text):
    assert http_date(text) is None


def test_a_leap_second_is_the_second_before_it():
    assert http_date("Sat, 31 Dec 2016 23:59:60 GMT") == http_date("Sat, 31 Dec 2016 23:59:59 GMT")
