"""What is asked of the engine before it works loads no torch."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from pathlib import Path
from retake.engines.ltx.engine import LtxEngine
import retake.engines.ltx.masks, retake.engines.ltx.planning
engine = LtxEngine(Path("nowhere"))
assert engine.describe().id == "ltx"
engine.check("A grey cat walks over the floor.", {"preset": "fast"})
heavy = {"torch", "diffusers", "transformers", "huggingface_hub"} & set(sys.modules)
sys.exit(f"loaded: {heavy}" if heavy else 0)
"""


def test_describing_checking_and_planning_load_no_torch() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
