"""The published routers' figures as text: the local pair's table, the bandits' regret, the judge."""

from typing import Any


def draft_tables_text(result: dict[str, Any]) -> str:
    """One table per price of the strong model."""
    parts = []
    for table in result["tables"]:
        where = "on the same machine" if table["strong_factor"] == 1 else f"{table['strong_factor']:g} times dearer"
        parts.append(f"### Strong model {where}: {table['weak_j']} J and {table['strong_j']} J a generation (modelled)")
        parts.append(table_text([_shown(row) for row in table["routers"]]))
    return "\n\n".join(parts)


def table_text(rows: list[dict[str, Any]]) -> str:
    """A Markdown table of rows with the same keys."""
    names = list(rows[0])
    lines = [_line(names), _line(["---"] * len(names))]
    return "\n".join(lines + [_line(["–" if row[name] is None else str(row[name]) for name in names]) for row in rows])


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


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
