"""Which documents never leave this machine: key and secret files, the user's patterns, and what git ignores.

The answer is a sentence that does not name the path. This module reads no document; secrets.py judges what is inside.
It reads files, so call it from a thread.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path

import pathspec

from halfwatt.daemon.settings.schema import PrivacyConfig

from .git_ignore import MAX_PATH_CHARS, UnreadableIgnoreFilesError, is_ignored

# In gitignore syntax; upper and lower case are alike. Names that are common for code count with a data suffix only.
BUILT_IN = """
.env
.env.*
*.env
.envrc
!.env.example
!.env.sample
!.env.template
*.pem
*.key
*.p12
*.pfx
*.p8
*.jks
*.keystore
*.kdb
*.kdbx
*.ppk
*.gpg
*.ovpn
*.agekey
id_rsa*
id_dsa*
id_ecdsa*
id_ed25519*
!*.pub
.ssh/
.gnupg/
secrets.*
secrets
.secrets
*.secret
*.secrets
credentials
credentials.json
credentials.y*ml
credentials.toml
credentials.ini
credentials.xml
credentials.csv
client_secret*.json
service[-_]account*.json
.netrc
_netrc
.git-credentials
.npmrc
.pypirc
.pgpass
.my.cnf
.htpasswd
.dockercfg
**/.docker/config.json
**/.aws/credentials
**/.aws/config
.azure/
**/.config/gcloud/
**/.kube/config
kubeconfig
*.tfstate
*.tfstate.*
*.tfvars
.terraformrc
.vault-token
.vault_pass*
.s3cfg
.boto
wallet.dat
.bash_history
.zsh_history
.python_history
"""

BUILT_IN_PATTERN = "this file is of a kind that holds secrets"
USER_PATTERN = "this file matches privacy.exclude"
GIT_IGNORED = "git ignores this file"
GIT_FAILED = "git's ignore files could not be read, or take too long to apply"
UNRESOLVED = "this file's real place could not be found out"


def exclusion_reason(path: str | None, privacy: PrivacyConfig, environ: Mapping[str, str] = os.environ) -> str | None:
    """Why the document at `path` must stay on this machine, as a clause without the path; None where it may leave.

    A document without a path (an unsaved one) may leave. A link is judged by its own name and by what it points to.
    The user's patterns are in gitignore syntax and override the built-in ones: `!secrets.py` allows that file. A
    pattern holds at any depth; one that begins with `/` or `~/` is a path from the file system's root.
    """
    if not path:
        return None
    if len(path) > MAX_PATH_CHARS:
        return UNRESOLVED
    given = Path(path).expanduser().absolute()
    try:
        real = given.resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a folder that this user may not read, no path at all
        return UNRESOLVED
    for place in dict.fromkeys((Path(os.path.normpath(given)), real)):
        found = _by_name(place, privacy.exclude)
        if found is None and privacy.exclude_git_ignored:
            found = _by_git(place, environ)
        if found is not None:
            return found
    return None


def _by_name(path: Path, patterns: tuple[str, ...]) -> str | None:
    rooted = path.relative_to(path.anchor).as_posix()
    own = _compiled(tuple(_anywhere(pattern) for pattern in patterns)).check_file(rooted).include
    if own is not None:
        return USER_PATTERN if own else None
    return BUILT_IN_PATTERN if _compiled(tuple(BUILT_IN.splitlines())).match_file(rooted.lower()) else None


@functools.lru_cache(maxsize=8)
def _compiled(patterns: tuple[str, ...]) -> pathspec.GitIgnoreSpec:
    return pathspec.GitIgnoreSpec.from_lines(patterns)


def _anywhere(pattern: str) -> str:
    """The pattern so that it holds in any folder, unless it is a full path.

    In gitignore a pattern with a slash inside is bound to the root, which here is the file system's."""
    sign, body = ("!", pattern[1:]) if pattern.startswith("!") else ("", pattern)
    if body.startswith("~/"):
        body = Path(body).expanduser().as_posix()
    inner = "/" in body.rstrip("/")
    bound = body if body.startswith(("/", "**/")) or not inner else f"**/{body}"
    return sign + bound


def _by_git(path: Path, environ: Mapping[str, str]) -> str | None:
    try:
        return GIT_IGNORED if is_ignored(path, environ) else None
    except UnreadableIgnoreFilesError:
        return GIT_FAILED
