"""The published routers' figures as text: the local pair's table, the bandits' regret, the judge."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

_MOST_POINTS = 8  # rows of one router in a printed table


def published_parts(result: dict[str, Any]) -> list[str]:
    """Sections of the table that a full run has and a quick one leaves out."""
    if result.get("local_pair_routers") is None:
        return []
    return [
        "## Local pair, every router, those that draft, sample or test first among them",
        draft_tables_text(result["local_pair_routers"]),
        "## Regret of the contextual bandits while they learn, utility per task, measured pair",
        table_text(result["bandit_regret"]),
        *_study(result["edge_cloud_study"]),
    ]


def _study(rows: list[dict[str, Any]]) -> list[str]:
    return (
        ["## Fine-tuned encoder, the edge-cloud study's own columns, measured pair", table_text(rows)] if rows else []
    )


def draft_tables_text(result: dict[str, Any]) -> str:
    """One table per price of the strong model."""
    parts = []
    for table in result["tables"]:
        where = "on the same machine" if table["strong_factor"] == 1 else f"{table['strong_factor']:g} times dearer"
        parts.append(f"### Strong model {where}: {table['weak_j']} J and {table['strong_j']} J a generation (modelled)")
        parts.append(table_text([_shown(row) for row in _thinned(table["routers"])]))
    if result["joined"]:
        parts.append('### Published signals joined to ours: AUROC for "the draft passes"')
        parts.append(table_text(result["joined"]))
    return "\n\n".join([*parts, *_preference(result["preference"])])


def _preference(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return []
    judge = [{"the judge": name, "figure": value} for name, value in found["judge"].items()]
    return [
        "### Preference by a language model as a judge, at the setting nearest to half of the pairs on the weak model",
        table_text(found["routers"]),
        table_text(judge),
    ]


def _thinned(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """At most `_MOST_POINTS` settings of a router, first and last among them; the others are in the JSON."""
    for _, group in groupby(rows, key=lambda row: row["router"]):
        points = list(group)
        shown = min(len(points), _MOST_POINTS)
        places = {round(step * (len(points) - 1) / max(1, shown - 1)) for step in range(shown)}
        yield from (points[place] for place in sorted(places))


def table_text(rows: list[dict[str, Any]]) -> str:
    """A Markdown table of rows with the same keys; a list becomes one cell, None a dash."""
    names = list(rows[0])
    lines = [_line(names), _line(["---"] * len(names))]
    return "\n".join(lines + [_line([_cell(row[name]) for name in names]) for row in rows])


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "router": row["router"],
        "setting": row["setting"],
        "tasks": row["n_tasks"],
        "acc %": row["accuracy_pct"],
        "J": row["energy_j"],
        "kept weak %": row["weak_share_pct"],
        "red. % (95 %)": f"{row['reduction_pct']} ({row['low']} to {row['high']})",
        "acc/s": row["accuracy_per_s"],
        "ours at its accuracy, J %": f"{row['ours_pct']:+} ({row['ours_low']} to {row['ours_high']})",
    }


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return " / ".join(value) if isinstance(value, list) else str(value)


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
