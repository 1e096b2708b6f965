"""A seccomp filter that denies new processes, as bytes for bubblewrap's `--seccomp`.

Resource limits on processes do not bind the superuser; this filter does. Classic BPF: load the system call's number,
compare it with those that make a process, answer EPERM, else allow. Threads are denied too: generated code needs none.
"""

import errno
import platform
import struct

_CALLS = {"x86_64": (56, 57, 58, 435), "aarch64": (220, 435)}  # clone, fork, vfork, clone3
_LOAD_NUMBER = struct.pack("HBBI", 0x20, 0, 0, 0)
_ALLOW = struct.pack("HBBI", 0x06, 0, 0, 0x7FFF0000)
_DENY = struct.pack("HBBI", 0x06, 0, 0, 0x00050000 | errno.EPERM)


def deny_new_processes(machine: str | None = None) -> bytes | None:
    """The filter for this processor, or None for one that is not known."""
    calls = _CALLS.get(machine or platform.machine())
    if calls is None:
        return None
    jumps = [struct.pack("HBBI", 0x15, len(calls) - index, 0, call) for index, call in enumerate(calls)]
    return _LOAD_NUMBER + b"".join(jumps) + _ALLOW + _DENY
