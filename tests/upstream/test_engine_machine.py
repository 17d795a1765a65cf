"""Whether this machine can run the engine."""

import pytest

from pointsman.upstream.engine_machine import cpu_features, cpu_refusal, refusal


@pytest.mark.parametrize(
    "features", ["fpu sse4_2 avx bmi1 avx2 bmi2", "FPU AVX1.0\nRDWRFSGSBASE AVX2 BMI2", "avx2"]
)
def test_a_processor_with_avx2_is_taken_however_its_system_lists_it(features):
    assert cpu_refusal("x86_64", features) is None


@pytest.mark.parametrize("features", ["fpu sse4_2 avx", "FPU AVX1.0\n", "avx2x xavx2", ""])
def test_a_processor_without_avx2_is_refused_with_what_to_do(features):
    reason = cpu_refusal("AMD64", features)

    assert "AVX2" in reason
    assert "pointsman backend add" in reason


def test_what_is_not_x86_or_does_not_say_is_not_refused():
    assert cpu_refusal("arm64", "neon") is None
    assert cpu_refusal("x86_64", None) is None


def test_a_missing_engine_is_refused_with_what_to_do(monkeypatch):
    monkeypatch.setattr("pointsman.upstream.engine_machine.find_spec", lambda name: None)

    reason = refusal()

    assert "xllamacpp" in reason
    assert "pointsman backend add" in reason


def test_this_machine_says_what_its_processor_can_do():
    assert cpu_features()
