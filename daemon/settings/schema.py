"""The settings: what exists, its type, its default, and a sentence about what it does.

The sentences are read by packaging/docs/settings_page.py, which writes packaging/docs/settings.md. file.py
reads the settings from file, environment and flags.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from halfwatt.daemon.wire import Consent, Route, says

Positive = Annotated[float, Meta(gt=0)]
Mode = Literal["automatic", "quiet", "manual"]  # from the loudest to the quietest
Dial = Literal["eco", "balanced", "quality"] | Annotated[float, Meta(ge=0)]
ServerKind = Literal["edge", "cloud"]
ContextSource = Literal["declarations", "ring", "edits"]


class RoutingConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """How requests are routed."""

    route: Annotated[
        Route, says("The route of requests that name none. `auto` lets the router choose; the others pin it.")
    ] = "auto"
    dial: Annotated[
        Dial,
        says(
            "How much quality a joule is worth. A number n means: n points of the chance to pass are worth 100 J. "
            "`quality`, `balanced` and `eco` stand for 2, 10 and 40."
        ),
    ] = "balanced"
    escalation: Annotated[
        Consent,
        says(
            "Consent to cloud tiers. `never`: none is used. `ask`: you choose the cloud for one request; the editor "
            "offers it where the local answer is doubtful. `auto`: the router may choose it."
        ),
    ] = "never"
    leaving_price: Annotated[
        float, Meta(ge=0, le=1, description="How much likelier to pass an answer from another machine must be.")
    ] = 0.05
    offline: Annotated[bool, says("Nothing leaves this machine, whatever else is set.")] = False
    cloud_ghost_text: Annotated[
        bool, says("Ghost text may go to a cloud tier, too. This also needs `escalation` to be `auto`.")
    ] = False
    check_drafts: Annotated[
        bool, says("A local draft is judged before it is shown, and another tier may answer in its place.")
    ] = True
    run_examples: Annotated[
        bool, says("A local draft's docstring examples may be run to judge it, in the bubblewrap sandbox only.")
    ] = False


class LocalConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The local model and its worker process."""

    model: Annotated[
        str, says("`auto` takes the model that fits this machine. Else a catalog id or the path of a GGUF file.")
    ] = "auto"
    threads: Annotated[
        int, Meta(ge=0, le=256, description="Threads of the model. 0 takes the cores that other programs leave free.")
    ] = 0
    context_tokens: Annotated[
        int, Meta(ge=512, le=131072, description="The longest prompt and answer together, in tokens.")
    ] = 4096
    queue: Annotated[int, Meta(ge=1, le=64, description="Requests that may wait for the model; more are refused.")] = 8
    max_tokens: Annotated[
        int, Meta(ge=1, le=8192, description="Tokens of an answer, ghost text apart, where the request sets no limit.")
    ] = 1024
    # 5 costs half of the speed beside busy programs
    nice: Annotated[
        int,
        Meta(
            ge=0,
            le=19,
            description="The worker's niceness on Unix: more leaves other programs more of the processor. "
            "Windows uses its priority below normal instead.",
        ),
    ] = 1


class TierConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """One tier beside the local model: an OpenAI-compatible server on your own network (edge) or outside it (cloud)."""

    name: Annotated[str, says("Your name for the tier; not `auto`, `local` or `none`.")]
    kind: Annotated[ServerKind, says("`edge` needs no further consent; `cloud` follows `routing.escalation`.")]
    base_url: Annotated[str, says("The address of the server's API, for example `https://HOST/v1`.")]
    model: Annotated[str, says("The model's name on that server.")]
    key: Annotated[str, says("The name of a key stored with `halfwatt key set`; empty where none is needed.")] = ""
    timeout_s: Annotated[
        float, Meta(gt=0, description="Seconds to wait for an answer to begin, and then for each part of it.")
    ] = 60.0
    active_parameters_b: Annotated[
        Positive | None, says("Billions of parameters used per token, for models that EcoLogits does not know.")
    ] = None
    total_parameters_b: Annotated[
        Positive | None, says("Billions of parameters in all; the same as the active ones where it is not given.")
    ] = None
    joules_per_token: Annotated[
        Positive | None, says("Your own figure for one token of this server, in place of an estimate.")
    ] = None
    max_tokens: Annotated[int, Meta(ge=1, description="The most tokens that are asked of this server at once.")] = 1024
    allow_unencrypted: Annotated[
        bool,
        says(
            "Allows a cloud tier with an `http://` address outside your own networks. Others on the way can then read "
            "the code and the key."
        ),
    ] = False


class PrivacyConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """What never leaves the machine."""

    exclude: Annotated[
        tuple[str, ...],
        says(
            "Patterns in gitignore syntax of files that stay on this machine, on top of the built-in ones. "
            "`!NAME` lifts a built-in one."
        ),
    ] = ()
    exclude_git_ignored: Annotated[
        bool,
        says(
            "Files that git ignores stay on this machine, too. Its ignore files are read and git is not run, so a file "
            "counts that is tracked all the same."
        ),
    ] = False
    detect_secrets: Annotated[
        bool,
        says(
            "The document and all that would be sent are searched for secrets. With one, nothing leaves this machine."
        ),
    ] = True


class EnergyConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """How joules are found out, compared and kept. A running daemon keeps the meter that it started with."""

    reference: Annotated[
        str,
        says("The model that savings are counted against. Empty: the first cloud tier's model, else `gpt-4o-mini`."),
    ] = ""
    meter: Annotated[
        Literal["auto", "nvidia", "apple", "rapl", "model"],
        says("Which meter is used; `auto` takes the best that works here."),
    ] = "auto"
    watts_per_thread: Annotated[
        Positive | None, says("This machine's watts for one busy thread, for machines without a meter.")
    ] = None
    retention_days: Annotated[
        Annotated[int, Meta(ge=1)] | None, says("Days after which the ledger's rows are deleted; `none` keeps them.")
    ] = None


class CompletionConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Ghost text."""

    mode: Annotated[
        Mode, says("`automatic` suggests while you type, `quiet` only what is likely to be taken, `manual` on request.")
    ] = "automatic"
    in_comments: Annotated[bool, says("Suggest inside of comments.")] = True
    in_strings: Annotated[bool, says("Suggest inside of strings.")] = True
    max_tokens: Annotated[int, Meta(ge=1, le=512, description="Tokens of one suggestion at most.")] = 64
    time_box_ms: Annotated[
        float, Meta(gt=0, description="Milliseconds after which the local model ends a suggestion, waiting included.")
    ] = 4000.0
    on_battery: Annotated[Mode, says("The mode on battery; the quieter of this and `mode` holds.")] = "quiet"
    max_file_kb: Annotated[int, Meta(ge=1, description="Larger files get no suggestions.")] = 1024
    # none has earned its place yet: packaging/docs/choices.md
    context: Annotated[
        tuple[ContextSource, ...],
        says(
            "What else the prompt holds: `declarations` of imported files, `ring` for pieces of files used last, "
            "`edits` for recent changes."
        ),
    ] = ()


class TelemetryConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The opt-in export. Consent itself is no setting: `halfwatt telemetry enable` records it."""

    endpoint: Annotated[str, says("The https address that `halfwatt telemetry enable` takes where none is given.")] = ""


class DaemonConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The background process. A running one takes its port and log level from its start."""

    port: Annotated[int, Meta(ge=0, le=65535, description="The port on loopback; 0 takes any free one.")] = 0
    idle_exit_min: Annotated[
        float, Meta(ge=0, description="Minutes without a client after which the daemon ends; 0 means never.")
    ] = 0.0
    log_level: Annotated[Literal["debug", "info", "warning", "error"], says("What the log file holds.")] = "info"


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
