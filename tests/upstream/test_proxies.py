"""Which proxy a request takes."""

import pytest

from pointsman.canon.errors import SetupError
from pointsman.upstream.proxies import is_loopback, proxy_for

PROXY = "http://proxy.corp:3128"
OTHER = "http://other.corp:3128"
API = "https://api.example.com/v1"


@pytest.mark.parametrize(
    ("url", "environment", "expected"),
    [
        (API, {}, None),
        (API, {"HTTPS_PROXY": PROXY}, PROXY),
        (API, {"https_proxy": PROXY, "HTTPS_PROXY": OTHER}, PROXY),
        (API, {"HTTP_PROXY": PROXY}, None),
        (API, {"ALL_PROXY": PROXY}, PROXY),
        (API, {"ALL_PROXY": OTHER, "HTTPS_PROXY": PROXY}, PROXY),
        (API, {"HTTPS_PROXY": ""}, None),
        (API, {"HTTPS_PROXY": "proxy.corp:3128"}, PROXY),
        ("http://gpu.example.com/v1", {"HTTP_PROXY": PROXY}, PROXY),
        ("http://gpu.example.com/v1", {"HTTPS_PROXY": PROXY}, None),
    ],
)
def test_the_environment_names_a_proxy_for_each_scheme(url, environment, expected):
    assert proxy_for(url, environment) == expected


@pytest.mark.parametrize(
    ("url", "no_proxy", "direct"),
    [
        (API, "*", True),
        (API, "example.com", True),
        (API, ".example.com", True),
        (API, "*.example.com", True),
        (API, "api.example.com", True),
        (API, "API.Example.Com", True),
        (API, "other.com, example.com", True),
        (API, "other.com example.com", True),
        (API, "example.com:443", True),
        (API, "example.com:8443", False),
        (API, "ample.com", False),
        (API, "other.com", False),
        (API, "", False),
        (API, ",", False),
        ("https://example.com./v1", "example.com", True),
        ("https://10.1.2.3/v1", "10.0.0.0/8", True),
        ("https://10.1.2.3/v1", "10.1.2.3", True),
        ("https://10.1.2.3:8443/v1", "10.1.2.3:8443", True),
        ("https://11.1.2.3/v1", "10.0.0.0/8", False),
        ("https://[2001:db8::1]/v1", "2001:db8::/32", True),
        ("https://[2001:db8::1]/v1", "2001:db8::1", True),
        ("https://[2001:db8::1]/v1", "[2001:db8::1]:443", True),
        ("https://[2001:db8::1]/v1", "10.0.0.0/8", False),
        (API, "10.0.0.0/8", False),
        (API, "example.com/8", False),
    ],
)
def test_no_proxy_names_hosts_domains_addresses_and_networks(url, no_proxy, direct):
    environment = {"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}

    assert proxy_for(url, environment) == (None if direct else PROXY)


def test_a_backends_own_proxy_stands_above_the_environment():
    environment = {"HTTPS_PROXY": PROXY, "NO_PROXY": "*"}

    assert proxy_for(API, environment, OTHER) == OTHER


def test_an_empty_proxy_of_a_backend_means_a_direct_connection():
    assert proxy_for(API, {"HTTPS_PROXY": PROXY}, "") is None


@pytest.mark.parametrize(
    "host", ["localhost", "api.localhost", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"]
)
def test_loopback_never_takes_a_proxy(host):
    environment = {"HTTP_PROXY": PROXY, "ALL_PROXY": PROXY}

    assert proxy_for(f"http://{host}:11434/v1", environment, OTHER) is None


@pytest.mark.parametrize("host", ["localhost.example.com", "10.0.0.1", "2001:db8::1", "", "mylocalhost"])
def test_other_hosts_are_not_loopback(host):
    assert not is_loopback(host)


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "ftp://proxy"])
def test_a_proxy_of_another_kind_is_refused_rather_than_passed_by(proxy):
    with pytest.raises(SetupError, match="ALL_PROXY names a proxy of the kind"):
        proxy_for(API, {"ALL_PROXY": proxy})
