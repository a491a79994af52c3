from __future__ import annotations

import subprocess
import sys

import pytest

from tests.api.live import API, BARE, MODEL, Live

DETAIL = {
    "model": str,
    "org_id": str,
    "brief_description": str,
    "detailed_description": str,
    "modalities": dict,
    "model_type": str,
    "host_type": str,
    "tags": list,
    "icon_link": str,
    "background_image_url": str,
    "qworkers": int,
    "created_at": int,
    "price_info": dict,
    "parameters": list,
    "display_name": str,
    "pricing_details": str,
}


@pytest.mark.parametrize("prefix", [API, BARE])
def test_the_models_are_told_by_id_and_in_full(shared: Live, prefix: str) -> None:
    got = shared.client.get(f"{prefix}/models").json()
    assert got["model_ids"] == [MODEL, "vfx-retake"]
    assert [model["model"] for model in got["models"]] == got["model_ids"]


def test_a_model_s_detail_has_every_documented_key_of_the_right_type(shared: Live) -> None:
    detail = shared.client.get(f"{API}/models/{MODEL}").json()
    for key, kind in DETAIL.items():
        assert type(detail[key]) is kind, key
    assert type(detail["price_info"]["price"]) is int
    assert detail["host_type"] in {"", "internal", "external"}
    parameters = {parameter["name"]: parameter for parameter in detail["parameters"]}
    assert parameters["duration"]["default"] == 5
    assert parameters["duration"]["min_value"] == 2
    assert parameters["mode"]["options"] == [
        "replace_audio_and_video",
        "replace_audio",
        "replace_video",
    ]
    assert parameters["options.scale"]["max_value"] == 4.0
    for parameter in parameters.values():
        assert {"name", "display_name", "description", "type", "required"} <= parameter.keys()


def test_health_needs_no_key(shared: Live) -> None:
    assert shared.anybody.get("/healthz").json() == {"status": "ok", "engine": "ready"}
    assert shared.anybody.head("/healthz").status_code == 200


def test_the_page_comes_with_a_strict_policy(shared: Live) -> None:
    got = shared.anybody.get("/")
    if got.status_code == 404:
        pytest.skip("the page is not built")
    assert got.headers["content-type"] == "text/html; charset=utf-8"
    policy = got.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["x-frame-options"] == "DENY"


def test_the_api_loads_nothing_of_the_engines() -> None:
    script = (
        "import sys, retake.api.app, retake.api.serving, retake.steps.fetch, retake.storage;"
        "print([name for name in ('numba', 'cv2', 'av', 'torch', 'numpy', 'dbos')"
        " if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
