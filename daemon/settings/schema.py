"""The settings: what exists, its type, its default. Reading them from file, environment and flags is file.py."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from halfwatt.daemon.wire import Route

Positive = Annotated[float, Meta(gt=0)]
Dial = Literal["eco", "balanced", "quality"] | Annotated[float, Meta(ge=0)]


class RoutingConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """How requests are routed. `dial`: a name or joules' worth of answer quality; `leaving_price`: quality points
    (0 to 1) that an answer from outside this machine must be better by."""

    route: Route = "auto"
    dial: Dial = "balanced"
    escalation: Literal["never", "ask", "auto"] = "never"
    leaving_price: Annotated[float, Meta(ge=0, le=1)] = 0.05
    offline: bool = False
    cloud_ghost_text: bool = False
    check_drafts: bool = True  # stage 2: judge a local draft before it is shown
    run_examples: bool = False  # stage 2 may run docstring examples in the sandbox


class LocalConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The local model. `model`: "auto", a catalog id or the path of a GGUF file; 0 threads means: choose by load."""

    model: str = "auto"
    threads: Annotated[int, Meta(ge=0, le=256)] = 0
    context_tokens: Annotated[int, Meta(ge=512, le=131072)] = 4096
    queue: Annotated[int, Meta(ge=1, le=64)] = 8
    max_tokens: Annotated[int, Meta(ge=1, le=8192)] = 1024
    nice: Annotated[int, Meta(ge=0, le=19)] = 1  # 5 costs half of the speed beside busy programs


class TierConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """One tier beside the worker: an OpenAI-compatible server on the LAN (edge) or outside it (cloud).

    `key` names the entry in the keyring ("" = the server needs none). Parameters in billions are for energy
    estimates of models that the estimator does not know."""

    name: str
    kind: Literal["edge", "cloud"]
    base_url: str
    model: str
    key: str = ""
    timeout_s: Positive = 60.0
    active_parameters_b: Positive | None = None
    total_parameters_b: Positive | None = None
    joules_per_token: Positive | None = None
    max_tokens: Annotated[int, Meta(ge=1)] = 1024


class PrivacyConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """What never leaves the machine. `exclude`: gitignore patterns on top of the built-in ones."""

    exclude: tuple[str, ...] = ()
    exclude_git_ignored: bool = False
    detect_secrets: bool = True


class EnergyConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`reference`: the model that savings are counted against ("" = the configured cloud model, else gpt-4o-mini).
    `watts_per_thread`: this machine's own figure for one busy thread, for machines without a meter."""

    reference: str = ""
    meter: Literal["auto", "nvidia", "apple", "rapl", "model"] = "auto"
    watts_per_thread: Positive | None = None
    retention_days: Annotated[int, Meta(ge=1)] | None = None


ContextSource = Literal["declarations", "ring", "edits"]


class CompletionConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Ghost text. `mode`: automatic, quiet (only likely ones) or manual (only when asked)."""

    mode: Literal["automatic", "quiet", "manual"] = "automatic"
    in_comments: bool = True
    in_strings: bool = True
    max_tokens: Annotated[int, Meta(ge=1, le=512)] = 64
    time_box_ms: Positive = 4000.0
    on_battery: Literal["automatic", "quiet", "manual"] = "quiet"
    max_file_kb: Annotated[int, Meta(ge=1)] = 1024
    context: tuple[ContextSource, ...] = ()  # of other places, for the prompt: none has earned its place yet


class TelemetryConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Where an opted-in export goes. Consent itself is state, not a setting."""

    endpoint: str = ""


class DaemonConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """`idle_exit_min`: minutes without a client after which the daemon ends (0 = never); port 0 = any free one."""

    port: Annotated[int, Meta(ge=0, le=65535)] = 0
    idle_exit_min: Annotated[float, Meta(ge=0)] = 0.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """All settings. The file is TOML with one table per field; `tiers` is an array of tables."""

    routing: RoutingConfig = RoutingConfig()
    local: LocalConfig = LocalConfig()
    tiers: tuple[TierConfig, ...] = ()
    privacy: PrivacyConfig = PrivacyConfig()
    energy: EnergyConfig = EnergyConfig()
    completion: CompletionConfig = CompletionConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    daemon: DaemonConfig = DaemonConfig()
