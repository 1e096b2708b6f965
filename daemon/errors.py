"""The error tree: what can go wrong, split by what a caller can do about it.

HalfwattError                 every error that a user may read: what happened, what was done, what to do
├── UsageError                the call is wrong; change it (exit code 2, HTTP 400)
│   └── ConfigError           a setting is wrong; the message names it and its allowed values
├── ModelError                a local model is missing, damaged or cannot be had (HTTP 503)
│   ├── NoModelError          no local model has been pulled yet
│   └── DownloadError         no source delivered the bytes
├── WorkerError               the worker process failed; the daemon goes on (HTTP 503)
│   ├── WorkerBusyError       its queue is full; try again (HTTP 429)
│   └── PromptTooLongError    the prompt does not fit the local context (HTTP 400)
├── TierError                 an edge or cloud tier did not answer (HTTP 502)
├── PolicyError               privacy, consent or offline mode forbids the route asked for (HTTP 403)
├── AnswerError               a model answered with something that does not fit the file; nothing was changed
├── DaemonError               the daemon cannot be started or reached
└── LedgerError               the ledger cannot be read or written
    └── ForeignLedgerError    it is damaged or of a newer version

This module holds no logic. It does not show errors: the command line, the API and the server do.
"""

from __future__ import annotations


class HalfwattError(Exception):
    """A failure with a sentence for the user. `exit_code` is the command line's, `http_status` the API's."""

    exit_code = 1
    http_status = 500
    code = "error"


class UsageError(HalfwattError):
    """The call itself is wrong."""

    exit_code = 2
    http_status = 400
    code = "usage"


class ConfigError(UsageError):
    """A setting has a bad value."""

    code = "config"


class ModelError(HalfwattError):
    """A local model is missing or damaged."""

    http_status = 503
    code = "model"


class NoModelError(ModelError):
    """No local model has been pulled."""

    code = "no_model"


class DownloadError(ModelError):
    """No source delivered the model's bytes."""

    code = "download"


class WorkerError(HalfwattError):
    """The worker process failed."""

    http_status = 503
    code = "worker"


class WorkerBusyError(WorkerError):
    """The worker's queue is full."""

    http_status = 429
    code = "busy"


class PromptTooLongError(WorkerError):
    """The prompt does not fit the local context."""

    http_status = 400
    code = "prompt_too_long"


class TierError(HalfwattError):
    """An edge or cloud tier did not answer."""

    http_status = 502
    code = "tier"


class PolicyError(HalfwattError):
    """A rule forbids the route that was asked for."""

    http_status = 403
    code = "policy"


class AnswerError(HalfwattError):
    """A model's answer cannot be put into the file."""

    http_status = 502
    code = "answer"


class DaemonError(HalfwattError):
    """The daemon cannot be started or reached."""

    code = "daemon"


class LedgerError(HalfwattError):
    """The ledger cannot be read or written."""

    code = "ledger"


class ForeignLedgerError(LedgerError):
    """The ledger is damaged, or a newer halfwatt wrote it: this one can neither read nor extend it."""

    code = "foreign_ledger"
