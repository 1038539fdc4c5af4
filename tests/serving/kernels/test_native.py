import pytest

from regard.serving.kernels import native


def test_can_be_switched_off(monkeypatch):
    monkeypatch.setenv("REGARD_NATIVE_KERNELS", "0")
    assert native.why_unavailable() == "switched off by REGARD_NATIVE_KERNELS=0"


def test_a_missing_compiler_is_the_reason(monkeypatch):
    monkeypatch.setattr(native, "_cpu_flags", lambda: native.REQUIRED_CPU_FLAGS)
    monkeypatch.setattr(native.shutil, "which", lambda name: None)
    assert "C compiler" in str(native.why_unavailable())


def test_a_processor_without_the_instructions_is_the_reason(monkeypatch):
    monkeypatch.setattr(native, "_cpu_flags", lambda: frozenset({"avx2"}))
    assert "f16c, fma" in str(native.why_unavailable())


def test_a_source_that_does_not_compile_is_reported(tmp_path):
    source = tmp_path / "broken.c"
    source.write_text("int f( {")
    with pytest.raises(RuntimeError, match="compiling the CPU kernels failed"):
        native._build(tmp_path / "out" / "kernels.so", [source])
    assert list((tmp_path / "out").iterdir()) == []
