"""The steps that let one group read the RAPL counters, now and after every start of the machine.

A udev rule sets group and mode when the kernel creates the counters. `plan` and `explain` change nothing.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from halfwatt.daemon.child_process import working_folder
from halfwatt.daemon.errors import HalfwattError, UsageError

RULE_FILE = Path("/etc/udev/rules.d/70-halfwatt-energy.rules")
POWERCAP = Path("/sys/class/powercap")
NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")


@dataclass(frozen=True)
class AccessPlan:
    """The steps: a rule file and its text, the commands, and the counters that the group may read at once."""

    group: str
    rule_file: Path
    rule: str
    commands: tuple[tuple[str, ...], ...]
    counters: tuple[Path, ...]


def plan(group: str, user: str, powercap: Path = POWERCAP, rule_file: Path = RULE_FILE) -> AccessPlan:
    """The steps for this machine. UsageError for a name that is not a plain user or group name."""
    for name in (group, *((user,) if user else ())):
        if not NAME.fullmatch(name):
            raise UsageError(f"'{name}' is no plain user or group name; use small letters, digits, - and _.")
    rule = (
        'ACTION=="add", SUBSYSTEM=="powercap", KERNEL=="intel-rapl:*", '
        f'RUN+="/bin/chgrp {group} /sys%p/energy_uj", RUN+="/bin/chmod 0440 /sys%p/energy_uj"\n'
    )
    commands: list[tuple[str, ...]] = [("groupadd", "--system", "--force", group)]
    if user and user != "root":
        commands.append(("usermod", "--append", "--groups", group, user))
    return AccessPlan(group, rule_file, rule, tuple(commands), tuple(sorted(powercap.glob("intel-rapl:*/energy_uj"))))


def explain(steps: AccessPlan) -> str:
    """The plan as text, with the reason for it."""
    if not steps.counters:
        return (
            f"This machine shows no RAPL counters below {POWERCAP} (a virtual machine, or not an Intel or AMD "
            "processor), so there is nothing to set up. halfwatt uses the CPU-time model instead."
        )
    commands = "\n".join(f"  {' '.join(command)}" for command in steps.commands)
    counters = "\n".join(f"  {path}: group {steps.group}, mode 0440" for path in steps.counters)
    return (
        "The processor's energy counters are readable by root only since CVE-2020-8694, because they leak what other\n"
        f"programs compute. These steps let the members of one group, {steps.group}, read them; nobody else.\n\n"
        f"{commands}\nwrite {steps.rule_file}:\n  {steps.rule}now, without a restart:\n{counters}\n\n"
        "Nothing was changed. To do it: sudo halfwatt setup energy --apply"
    )


def apply(steps: AccessPlan) -> None:
    """Carry out the plan. HalfwattError names the step that failed; the steps before it stay done."""
    if not steps.counters:
        raise HalfwattError(f"{explain(steps)} Nothing was changed.")
    for command in steps.commands:
        done = subprocess.run(command, cwd=working_folder(), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise HalfwattError(f"`{' '.join(command)}` failed: {done.stderr.strip()}. The later steps were not done.")
    try:
        steps.rule_file.parent.mkdir(parents=True, exist_ok=True)
        steps.rule_file.write_text(steps.rule, "utf-8")
        steps.rule_file.chmod(0o644)  # a file of the system, which everybody may read
        for counter in steps.counters:
            open_to_group(counter, steps.group)
    except (OSError, LookupError) as error:
        raise HalfwattError(
            f"The rule or a counter could not be changed: {error}. The later steps were not done."
        ) from error


def open_to_group(counter: Path, group: str) -> None:
    """Let the group read a counter, and nobody else but root."""
    shutil.chown(counter, group=group)
    counter.chmod(0o440)
