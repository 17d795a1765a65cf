"""Where a path leads: exact paths, and paths that name a model."""

from hypothesis import example, given
from hypothesis import strategies as st

from pointsman.dialects.registry import DIALECTS
from pointsman.server.routes import Routes

PLACED = "gemini"
"""The dialect whose paths name the model."""
ROUTES = Routes(DIALECTS.values())


def found(path):
    return ROUTES.find(ROUTES.plain(path))


@given(
    st.text(min_size=1).filter(lambda name: not name.endswith("/")), st.sampled_from(["", "/v1", "/v1beta"])
)
@example("publishers/google/models/x:y", "/v1beta")
@example("a:generateContent", "/v1")
def test_the_method_is_what_follows_the_last_colon(name, version):
    answer = found(f"{version}/models/{name}:streamGenerateContent")

    assert (answer.model, answer.route.streams, answer.dialect.name) == (name, True, PLACED)


def test_a_path_without_a_model_is_no_endpoint():
    assert found("/v1beta/models/:generateContent") is None
    assert found("/v1beta/models/x") is None
    assert found("/v1beta/models/x:other") is None


def test_every_exact_path_leads_to_its_dialect_with_and_without_its_version():
    led = {
        (dialect.name, route.path): [
            found(route.path),
            found("/v1" + route.path),
            found(f"/v1/v1{route.path}/"),
        ]
        for dialect in DIALECTS.values()
        for route in dialect.routes
        if "{model}" not in route.path
    }

    assert led
    for (name, path), answers in led.items():
        assert [(each.dialect.name, each.route.path, each.model) for each in answers] == [
            (name, path, None)
        ] * 3


def test_a_version_that_one_dialect_has_alone_tells_it():
    assert ROUTES.spoken_at("/v1beta/anything", ROUTES.plain("/v1beta/anything")) is not None
    assert ROUTES.spoken_at("/v1beta/anything", "/anything").name == PLACED
    assert ROUTES.spoken_at("/v1/anything", "/anything") is None
