"""The plot: energy against accuracy for every router of the table. Needs matplotlib (extra [train])."""

from collections import defaultdict
from pathlib import Path
from typing import Any

_MARKS = "osD^vP*X<>ph"


def plot(rows: list[dict[str, Any]], target: Path) -> None:
    """Write a PNG; each router is a line through its operating points, the straight line is the reference."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    places: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        places[row["router"]].append((row["energy_j"], row["accuracy_pct"]))
    figure, axes = pyplot.subplots(figsize=(9, 6))
    ends = [places["always weak"][0], places["always strong"][0]]
    axes.plot(*zip(*ends, strict=True), color="grey", linestyle="--", label="straight line")
    for index, (name, points) in enumerate(places.items()):
        if name.startswith("always") or name.startswith("random;"):
            continue
        ours = name.startswith("halfwatt")
        axes.plot(
            *zip(*sorted(points), strict=True),
            marker=_MARKS[index % len(_MARKS)],
            markersize=6 if ours else 4,
            linewidth=2.2 if ours else 0.9,
            label=name,
        )
    axes.set_xlabel("joules per request (GPU, RTX 4090)")
    axes.set_ylabel("tasks passed, %")
    axes.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(target, dpi=110)
    pyplot.close(figure)
