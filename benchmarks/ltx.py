"""What the engine `ltx` reaches on this GPU, against what the GPU could do.

    python benchmarks/ltx.py                    all cases, LTX-2.3 of full size, random weights
    python benchmarks/ltx.py windowed whole     some of them
    python benchmarks/ltx.py --json FILE        the figures for programs, too
    python benchmarks/ltx.py --constants        what `memory/sizes.py` holds, computed anew (no GPU)
    python benchmarks/ltx.py --tiny             the script itself, with the tests' weights, on a CPU

In one run: the rate of matrix products and of memory that this device reaches, then for each case
the seconds, bytes and operations of each phase, the floor (operations over the rate, or bytes that
have to be read over the bandwidth, whichever is longer) and the fraction of it that was reached.
Cases: `small`, 768x512, 121 frames; `windowed`, 5 s of a 21 s clip in 1080p with a second on either
side; `whole`, the same section with the whole clip in the model, as other tools do it; `rungs`,
`small` on each rung of the memory ladder. Eight steps; `whole` does two and says so.

Without a GPU there is nothing to measure, and the exit code is 2.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from ltx_cases import Case, cases_for, run_case
from ltx_device import Rates, describe_device, measure_rates
from ltx_parts import full_components, full_parts, tiny_components
from ltx_trace import connecting, decoding, encoding, one_pass, sounding
from retake.engines.ltx.memory.attempts import Memory
from retake.engines.ltx.memory.card import read_card
from retake.engines.ltx.memory.work import Work

NO_GPU = (
    "benchmarks/ltx.py: there is no GPU here, so nothing can be measured; "
    "`python benchmarks/ltx.py --tiny` runs the script itself on a CPU"
)


def main() -> int:
    """Run the benchmark and print its tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help="small windowed whole rungs")
    parser.add_argument("--device", help="cuda, cuda:1, cpu")
    parser.add_argument("--tiny", action="store_true", help="the tests' weights and sizes")
    parser.add_argument("--constants", action="store_true", help="compute the constants anew")
    parser.add_argument("--compile", action="store_true", help="compile the transformer's blocks")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.constants:
        constants()
        return 0
    if not options.tiny and not torch.cuda.is_available():
        print(NO_GPU, file=sys.stderr)
        return 2
    device = torch.device(options.device or ("cpu" if options.tiny else "cuda"))
    cases = cases_for(options.cases, tiny=options.tiny)
    print(describe_device(device))
    rates = measure_rates(device, tiny=options.tiny)
    print(f"{rates.flops / 1e12:.4g} TFLOP/s, {rates.bandwidth / 1e9:.4g} GB/s measured\n")
    told = run_all(cases, device, rates, options)
    if options.json:
        options.json.write_text(json.dumps({"rates": asdict(rates), "cases": told}, indent=1))
    return 0


def run_all(
    cases: list[Case], device: torch.device, rates: Rates, options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Run the cases on one model, from the highest rung down, and return their figures."""
    components = (tiny_components if options.tiny else full_components)(device)
    memory = Memory(components, read_card(device))
    if options.compile:
        from retake.engines.ltx.compiling import compile_blocks

        compile_blocks(components.transformer)
    told: list[dict[str, Any]] = []
    # What has been quantised stays so, hence the order.
    for case in cases:
        told.append(run_case(case, memory, rates))
        print()
    seconds = {one["case"]: one["seconds"] for one in told if "seconds" in one}
    if {"windowed", "whole"} <= seconds.keys():
        print(f"windowed is {seconds['whole'] / seconds['windowed']:.1f} times faster than whole")
    return told


def constants() -> None:
    """Print what `memory/sizes.py` holds, computed on the meta device."""
    parts = full_parts("meta", torch.bfloat16)
    for name, part in parts.items():
        print(f"{name:15} {sum(one.numel() for one in part.parameters()):>15,} parameters")
    works = [Work(768, 512, 121, 126), Work(1920, 1088, 169, 176)]
    for work in works:
        voxels, tokens = work.pixels * work.frames, work.video_tokens
        print(f"\n{work.width}x{work.height}, {work.frames} frames, {tokens} video tokens")
        step = one_pass(parts["transformer"], work)
        print(f"one pass: {step.bytes / tokens:,.0f} bytes a token, {step.flops / 1e12:.1f} TFLOP")
        for name, code in (("encode", encoding), ("decode", decoding)):
            took = code(parts["vae"], work)
            each = f"{took.bytes / voxels:.1f} bytes and {took.flops / voxels:.3g} FLOP"
            print(f"{name}: {each} a pixel")
    text = connecting(parts["connectors"], 1024)
    print(f"\nconnectors: {text.bytes / 1024:,.0f} bytes a token, {text.flops / 1e12:.2f} TFLOP")
    audio = parts["audio_vae"].float()
    sound = sounding(audio, parts["vocoder"], 500)
    print(f"sound: {sound.bytes / 20:,.0f} bytes and {sound.flops / 20 / 1e12:.2f} TFLOP a second")


if __name__ == "__main__":
    sys.exit(main())
