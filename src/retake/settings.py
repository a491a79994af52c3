"""Every setting, read once: from the environment (RETAKE_…), else from a TOML file.

`retake doctor` prints them with the values in force; docs/settings.md lists them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path
from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


class Settings(BaseSettings):
    """The settings of one process. Names on the environment are upper-case with RETAKE_ before."""

    model_config = SettingsConfigDict(env_prefix="RETAKE_", frozen=True, extra="ignore")

    data_dir: Path = Field(
        default_factory=lambda: user_data_path("retake"),
        description="Folder of the server's database, keys, uploads and outputs.",
    )
    database: SecretStr = Field(
        SecretStr("sqlite"),
        description="Where requests, keys and webhooks are kept: sqlite is a file in the data "
        "folder; postgresql://USER:PASSWORD@HOST/NAME is for many machines.",
    )
    slots: int | None = Field(
        None,
        ge=0,
        le=64,
        description="How many requests are worked on here at once, each by an engine child of its "
        "own; 1 unless set, and none in a server whose database is PostgreSQL.",
    )
    lease_s: float = Field(
        15.0,
        ge=1,
        le=600,
        description="After how long without a sign of life a worker's requests are given to "
        "another, in seconds; the same on all machines.",
    )
    drain_s: float = Field(
        600.0,
        ge=0,
        le=86400,
        description="How long a worker that is told to stop goes on with what it has, in seconds; "
        "then it hands it back.",
    )
    max_processing_per_key: int = Field(
        0, ge=0, description="How many of one key's requests are worked on at once; 0 is no limit."
    )
    storage: str | None = Field(
        None,
        description="A bucket that keeps uploads and outputs, s3://BUCKET/PREFIX?endpoint=URL&region="
        "NAME; without it they are kept in the data folder.",
    )
    storage_redirect: bool = Field(
        default=False,
        description="Whether files are given out by that storage itself, to which their URLs lead.",
    )
    storage_cache_bytes: int = Field(
        10 * 1024**3,
        ge=0,
        description="How much copies of its files may take in the data folder, in bytes.",
    )
    host: str = Field("127.0.0.1", description="Address that the server listens on.")
    port: int = Field(8484, ge=0, le=65535, description="Port that the server listens on.")
    base_url: str | None = Field(
        None,
        description="How clients reach the server, for the URLs it gives out; "
        "without it they are built from each request's Host header.",
    )
    hold_s: float = Field(
        50.0, ge=0, le=600, description="How long a submit waits for its result, in seconds."
    )
    dialect_hold_s: float = Field(
        900.0,
        ge=0,
        le=7200,
        description="How long POST /v1/retake and /fal/run wait for their result, in seconds.",
    )
    idempotency_ttl_s: int = Field(
        24 * 3600, ge=1, description="How long an Idempotency-Key is known, in seconds."
    )
    url_ttl_s: int = Field(
        3600, ge=60, description="How long a given-out file URL stays valid, in seconds."
    )
    max_body_bytes: int = Field(
        1024 * 1024, ge=1024, description="Largest JSON body that is read, in bytes."
    )
    max_calls_per_minute: int = Field(
        0, ge=0, description="How often a key may call in a minute; 0 is no limit."
    )
    max_submits_per_minute: int = Field(
        0, ge=0, description="How many requests a key may submit in a minute; 0 is no limit."
    )
    max_unfinished: int = Field(
        10_000, ge=0, description="How many requests may be unfinished at once; 0 is no limit."
    )
    max_unfinished_per_key: int = Field(1_000, ge=0, description="How many of one key's, likewise.")
    max_source_bytes: int = Field(
        2 * 1024**3, ge=1024, description="Largest video that is fetched or uploaded, in bytes."
    )
    data_uri_max_bytes: int = Field(
        8 * 1024**2,
        ge=0,
        le=64 * 1024**2,
        description="Largest video within a submit, as a data: URI, in bytes; 0 takes none.",
    )
    upload_ttl_s: int = Field(
        24 * 3600,
        ge=60,
        description="How long an upload is kept after it came or was last used, in seconds.",
    )
    uploads_max_bytes: int = Field(
        20 * 1024**3, ge=1024, description="How much one key's uploads may take, in bytes."
    )
    uploads_max_count: int = Field(100, ge=1, description="How many uploads one key may have.")
    retention_days: float = Field(
        0,
        ge=0,
        le=36500,
        description="How many days results are kept after their request has ended; 0 is for ever.",
    )
    max_seconds: float = Field(21.0, gt=0, description="Longest video accepted, in seconds.")
    min_section_s: float = Field(
        2.0, gt=0, description="Shortest section accepted, in seconds; less suits local use."
    )
    fetch_allow_private: bool = Field(
        default=False,
        description="Whether video_uri and webhooks may point at private and loopback addresses.",
    )
    fetch_connect_s: float = Field(
        10.0, gt=0, description="Time-out for connecting to a video_uri, in seconds."
    )
    fetch_stall_s: float = Field(
        20.0, gt=0, description="How long a download may send nothing, in seconds."
    )
    fetch_total_s: float = Field(
        600.0, gt=0, description="How long a whole download may take, in seconds."
    )
    engine: str = Field(
        "auto",
        description="Engine that answers ltx-2-pro-retake; auto is ltx where a GPU and weights are "
        "ready when the program starts, else vfx.",
    )
    ltx_weights: str | None = Field(
        None,
        description="Which weights the engine ltx uses: a name that `retake models list` shows, or "
        "a folder in diffusers' layout; without it the first that is ready.",
    )
    ltx_loras: str = Field(
        "",
        description="LoRAs that the engine ltx uses where a request names none, such as "
        "grain:0.8, dolly-in.",
    )
    ltx_precision: Literal["auto", "bf16", "fp8"] = Field(
        "auto",
        description="How the engine ltx holds its weights: bf16, fp8 (8-bit numbers, half the "
        "memory, slightly other details), or auto: fp8 where the card is too small for bf16.",
    )
    ltx_compile: bool = Field(
        default=False,
        description="Whether the engine ltx compiles its transformer, for which the first request "
        "of a size waits for minutes.",
    )
    models_dir: Path = Field(
        default_factory=lambda: user_data_path("retake") / "models",
        description="Folder of the weights that `retake models` keeps.",
    )
    upstream_url: str | None = Field(
        None,
        description="Another server of this API that the engine hosted hands sections to; without "
        "it there is no such engine.",
    )
    upstream_key: SecretStr | None = Field(
        None,
        description="The key for it, spent by every key of this server; without one each request "
        "brings its own.",
    )
    upstream_model: str = Field(
        "ltx-2-pro-retake", min_length=1, description="The model that is asked for there."
    )
    webhook_timeout_s: float = Field(
        15.0, gt=0, le=120, description="How long a try to reach a webhook may take, in seconds."
    )
    webhook_retries_s: str = Field(
        "5 30 120 600 1800 3600 7200 14400 28800 28800",
        pattern=r"^(\d{1,6}( \d{1,6}){0,19})?$",
        description="How long to wait after each failure to reach a webhook, in seconds; "
        "what fails once more is given up.",
    )
    webhook_disable_days: int = Field(
        5, ge=1, description="A webhook is disabled when every try has failed for so many days."
    )
    webhook_keep_days: int = Field(
        7, ge=1, description="How many days the log of what webhooks were sent is kept."
    )
    webhook_grace_s: int = Field(
        24 * 3600,
        ge=0,
        description="How long a webhook's replaced secret still signs, in seconds.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR."
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="text for people, json for one JSON object a line."
    )
    metrics_token: SecretStr | None = Field(
        None,
        description="Who brings this as a bearer token may read /metrics; without it only "
        "processes of the server's own machine may.",
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line first, then the environment, then the file that RETAKE_CONFIG names."""
        del dotenv_settings, file_secret_settings
        toml = os.environ.get("RETAKE_CONFIG", "retake.toml")
        file = TomlConfigSettingsSource(settings_cls, toml_file=toml)
        return init_settings, env_settings, file
