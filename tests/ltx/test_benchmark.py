"""The benchmark runs where there is no GPU, so that it is known to run where there is one."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
import torch

from retake.engines.ltx.memory import sizes
from retake.engines.ltx.memory.work import Work

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _found(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name == "ltx" or name.startswith("ltx_"):
            del sys.modules[name]


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    import ltx

    monkeypatch.setattr(sys, "argv", ["ltx.py", *words])
    return ltx.main()


def test_the_whole_script_runs_with_tiny_weights(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    assert run(monkeypatch, "--tiny", "--json", str(tmp_path / "told.json")) == 0
    printed = capsys.readouterr().out
    assert printed.count("| denoise") == 9
    assert "times faster than whole" in printed
    told = json.loads((tmp_path / "told.json").read_text())
    assert [case["case"].split(":")[0] for case in told["cases"]] == [
        "small", "windowed", "whole", *["rungs"] * 6,
    ]  # fmt: skip
    for case in told["cases"]:
        assert list(case["phases"]) == ["encode", "text", "denoise", "decode", "sound"]
        for figures in case["phases"].values():
            assert figures["seconds"] > 0
            assert figures["flops"] > 0
            assert figures["floor"] > 0


def test_without_a_gpu_it_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert run(monkeypatch) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "no GPU" in said.err


def test_the_constants_of_the_estimate_are_what_the_full_size_classes_take():
    from ltx_parts import full_parts
    from ltx_trace import decoding, encoding, one_pass

    parts = full_parts("meta", torch.bfloat16)
    known = sizes.LTX_2_3.parameters

    def count(*names: str) -> int:
        return sum(one.numel() for name in names for one in parts[name].parameters())

    assert count("vae") == known["vae_encoder"] + known["vae_decoder"]
    for name in ("transformer", "text_encoder", "connectors", "audio_vae", "vocoder"):
        assert count(name) == known[name]
    work = Work(768, 512, 121, 126)
    step = one_pass(parts["transformer"], work)
    tokens, voxels = work.video_tokens, work.pixels * work.frames
    assert step.bytes / tokens == pytest.approx(sizes.DENOISE_BYTES_PER_TOKEN, rel=0.03)
    told = sizes.STEP_FLOPS_FIXED + tokens * (
        sizes.STEP_FLOPS_PER_TOKEN + tokens * sizes.STEP_FLOPS_PER_PAIR
    )
    assert step.flops == pytest.approx(told, rel=0.05)
    for code, size, flops in (
        (decoding, sizes.DECODE_BYTES_PER_PIXEL, sizes.DECODE_FLOPS_PER_PIXEL),
        (encoding, sizes.ENCODE_BYTES_PER_PIXEL, sizes.ENCODE_FLOPS_PER_PIXEL),
    ):
        took = code(parts["vae"], work)
        assert took.bytes / voxels == pytest.approx(size, rel=0.06)
        assert took.flops / voxels == pytest.approx(flops, rel=0.03)
