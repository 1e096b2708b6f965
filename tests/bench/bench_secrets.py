"""How many planted secrets are found, how often ordinary code is taken for one, and how long it takes:
`make bench BENCHES=secrets`.

The same texts go to kept detectors from the package index, installed into an environment of their own below .cache. The
ten kinds that were set aside before the rules were written are reported apart; rules for them came after the first
measurement. `--alone` leaves the others out, `--quick` takes a tenth of the ordinary files.
"""

from __future__ import annotations

import random
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.figures import Figure
from bench.secret_rivals import RIVALS, Scanned, installed, scanned
from planted_secrets import planted
from repository import ROOT

from halfwatt.daemon.privacy import secrets
from halfwatt.daemon.privacy.document_secrets import DocumentSecrets
from halfwatt.lsp.completion.context.prompt import Budget, window_after, window_before

SEEDS = (7, 8, 9)
N_SITE_FILES, N_WINDOWS = 500, 3
ENDINGS = {
    **{"env": "env", "python": "py", "typescript": "ts", "go": "go", "rust": "rs", "c": "c", "java": "java"},
    **{"yaml": "yaml", "json": "json", "ini": "ini", "shell": "sh", "shell_text": "sh", "url": "py", "comment": "py"},
    "bare": "txt",
}
HOSTILE = ("a", "sk-", "eyJ", "password=", "key=", "://a:", "'", "key 'a1", "login a password ", "token : a ", "aB3dE5")
Texts = dict[str, str]  # file name → text


def main(arguments: list[str]) -> int:
    texts = {each: _planted_files(each) for each in ("seen kinds", "set-aside kinds")}
    ordinary = _ordinary("--quick" in arguments)
    ours = {name: _ours(files) for name, files in (texts | ordinary).items()}
    _print_detector("halfwatt", texts, ordinary, ours)
    _print_spellings(texts, ours)
    _print_speed(ordinary["standard library"])
    if "--alone" not in arguments:
        _print_rivals(texts, ordinary)
    recall = _share(texts, ours)
    alarms = [len(ours[name].names) / len(files) for name, files in ordinary.items()]
    return 0 if recall >= 0.95 and max(alarms) <= 0.01 else 1


def _planted_files(which: str) -> Texts:
    aside = which == "set-aside kinds"
    everything = [each for seed in SEEDS for each in planted(seed=seed, aside=aside)]
    return {
        f"{number:05d}-{each.spelling}.{ENDINGS[each.spelling]}": each.text for number, each in enumerate(everything)
    }


def _ordinary(quick: bool) -> dict[str, Texts]:
    library = Path(sysconfig.get_path("stdlib"))
    modules = sorted(file for file in library.rglob("*.py") if "site-packages" not in file.parts)
    site = sorted(file for file in Path(sysconfig.get_path("purelib")).rglob("*.py") if file.stat().st_size > 200)
    random.Random(1).shuffle(site)  # noqa: S311 - a sample, not a secret
    step = 10 if quick else 1
    files = {"standard library": _read(modules[::step]), "installed packages": _read(site[:N_SITE_FILES:step])}
    return files | {f"windows of {name}": dict(_windows(texts)) for name, texts in files.items()}


def _read(files: list[Path]) -> Texts:
    texts: Texts = {}
    for number, file in enumerate(files):
        try:
            texts[f"{number:05d}-{file.name}"] = file.read_text("utf-8")
        except UnicodeDecodeError:
            continue
    return texts


def _windows(texts: Texts) -> Iterator[tuple[str, str]]:
    """What ghost text would send of each file, at places taken at random."""
    chance, budget = random.Random(3), Budget.of_tokens(1024)  # noqa: S311 - places, not keys
    for name, text in texts.items():
        for number in range(N_WINDOWS):
            at = chance.randint(0, len(text))
            window = window_before(text[:at], budget.prefix) + window_after(text[at:], budget.suffix)
            yield f"{number}-{name}", window


def _ours(texts: Texts) -> Scanned:
    begun_s = time.process_time()
    names = frozenset(name for name, text in texts.items() if secrets.find([text]))
    return Scanned(names, time.process_time() - begun_s)


def _share(files: dict[str, Texts], found: dict[str, Scanned]) -> float:
    return sum(len(found[name].names) for name in files) / sum(map(len, files.values()))


def _print_detector(
    detector: str, texts: dict[str, Texts], ordinary: dict[str, Texts], found: dict[str, Scanned]
) -> None:
    total = _share(texts, found)
    n_texts = sum(map(len, texts.values()))
    print(
        Figure(f"{detector}: found of all planted", 100 * total, "%", n=n_texts, goal="≥ 95", met=total >= 0.95).line()
    )
    for name, files in texts.items():
        print(
            Figure(f"{detector}: found of {name}", 100 * len(found[name].names) / len(files), "%", n=len(files)).line()
        )
    for name, files in ordinary.items():
        share = len(found[name].names) / len(files)
        alarm = Figure(
            f"{detector}: false alarms in {name}", 100 * share, "%", n=len(files), goal="≤ 1", met=share <= 0.01
        )
        print(alarm.line())
    n_chars = sum(map(len, ordinary["standard library"].values()))
    per_mb = 1e6 * found["standard library"].cpu_s / n_chars
    print(Figure(f"{detector}: processor's time for ordinary code", per_mb, "s/MB").line(), flush=True)


def _print_spellings(texts: dict[str, Texts], found: dict[str, Scanned]) -> None:
    all_, hit = Counter[str](), Counter[str]()
    for name, files in texts.items():
        for file in files:
            spelling = file.split("-", 1)[1].rsplit(".", 1)[0]
            all_[spelling] += 1
            hit[spelling] += file in found[name].names
    for spelling, n in all_.items():
        print(Figure(f"halfwatt: found as {spelling}", 100 * hit[spelling] / n, "%", n=n).line())


def _print_speed(texts: Texts) -> None:
    """Windows and documents as they come, and texts made to be slow at two lengths."""
    whole = "".join(texts.values())
    for n_chars in (4_000, 100_000, 1_000_000):
        if len(whole) >= n_chars:
            text = whole[-n_chars:]
            print(Figure(f"searching {n_chars} signs", 1000 * _cpu_s(partial(secrets.find, [text])), "ms").line())
    documents, document = DocumentSecrets(), whole[:1_000_000]
    documents.of("file:///a", document)
    pressed = (document[:at] + "x" + document[at:] for at in range(500_000, 500_040))
    key_s = _cpu_s(lambda: documents.of("file:///a", next(pressed)), 20)
    print(Figure(f"a key press in a document of {len(document)} signs", 1000 * key_s, "ms").line())
    growth = max(_growth(piece) for piece in HOSTILE)
    print(Figure("time for four times as much hostile text", growth, "times", goal="≤ 8", met=growth <= 8).line())


def _cpu_s(work: Callable[[], object], n: int = 5) -> float:
    best = float("inf")
    for _ in range(n):
        begun_s = time.process_time()
        work()
        best = min(best, time.process_time() - begun_s)
    return best


def _growth(piece: str) -> float:
    short, long = ((piece * n_chars)[:n_chars] for n_chars in (50_000, 200_000))
    return _cpu_s(lambda: secrets.find([long]), 3) / _cpu_s(lambda: secrets.find([short]), 3)


def _print_rivals(texts: dict[str, Texts], ordinary: dict[str, Texts]) -> None:
    programs = installed(ROOT / ".cache" / "secret-rivals")
    with tempfile.TemporaryDirectory() as place:
        everything = enumerate((texts | ordinary).items())
        folders = {name: _written(files, Path(place) / f"texts{number}") for number, (name, files) in everything}
        for rival in RIVALS:
            found = {name: scanned(rival, programs, folder, Path(place)) for name, folder in folders.items()}
            _print_detector(rival.package, texts, ordinary, found)


def _written(texts: Texts, folder: Path) -> Path:
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return folder


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
