"""``GET /models`` and ``GET /models/{model_id}``."""

from __future__ import annotations

from fastapi import APIRouter, Request

from retake.api.answer import Json
from retake.api.auth import Caller
from retake.api.catalogue import find_model
from retake.api.parts import parts_of

routes = APIRouter()


@routes.get("/models")
async def list_models(request: Request, _caller: Caller) -> Json:
    """Return every model, by id and in full: clients read either key."""
    models = parts_of(request).models
    ids = [model.model_id for model in models]
    return Json({"model_ids": ids, "models": [model.to_json() for model in models]})


@routes.get("/models/{model_id}")
async def get_model(request: Request, model_id: str, _caller: Caller) -> Json:
    """Return one model in full."""
    return Json(find_model(parts_of(request).models, model_id).to_json())
