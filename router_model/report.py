"""The table as text: what `halfwatt router bench` prints and `RESULTS.md` keeps."""

from typing import Any


def results_text(result: dict[str, Any]) -> str:
    """Markdown of all figures."""
    energy = result["energy_rtx4090"]
    parts = [
        "## Measured pair: DeepSeek-Coder-1.3B → Qwen2.5-Coder-3B, RTX 4090",
        _headline(energy),
        _table(_shown(energy["routers"])),
        "## Llama-3 pairs on MBPP, points of tests passed against all-large",
        _table(result["llama3_mbpp"]),
        "## Local pair: Qwen2.5-Coder 0.5B → 1.5B, q4_k_m",
        _local(result["local_pair"]),
        "## Cost of a decision",
        _cost(result),
    ]
    return "\n\n".join(parts) + "\n"


def _headline(energy: dict[str, Any]) -> str:
    lines = [
        _sentence("λ chosen on training rows, best point", energy["best"]),
        _sentence("read off the curve, best point", energy["best_on_curve"]),
        _sentence("λ chosen on training rows for an accuracy of 66.5 %", energy["at_66_5"]),
        _sentence("read off the curve at 66.5 % or more", energy["at_66_5_on_curve"]),
        f"- lowest lower bound with 5 to 95 % on the weak model: {energy['least_lower_bound']} %",
    ]
    return "\n".join(lines)


def _sentence(name: str, figure: dict[str, Any] | None) -> str:
    if figure is None:
        return f"- {name}: not reached"
    return (
        f"- {name}: **{figure['reduction_pct']} %** ({figure['low']} to {figure['high']}) "
        f"at {figure['accuracy_pct']} %, {figure['energy_j']} J"
    )


def _shown(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Only the columns that fit a page; the JSON has all."""
    columns = {
        "router": "router", "setting": "setting", "accuracy_pct": "acc %", "energy_j": "J",
        "reduction_pct": "red. %", "low": "low", "high": "high", "published_reduction_pct": "publ. %",
        "apgr": "APGR", "cpt_50": "CPT50", "cpt_80": "CPT80", "hull_area": "hull", "oracle_share_pct": "of oracle %",
        "accuracy_per_s": "J=acc/s", "brier": "Brier", "calibration_error": "ECE",
        "fold_cpu_ms": "cpu ms/fold",
    }  # fmt: skip
    return [{short: row.get(name) for name, short in columns.items()} for row in rows]


def _table(rows: list[dict[str, Any]]) -> str:
    names = list(rows[0])
    lines = [_line(names), _line(["---"] * len(names))]
    return "\n".join(lines + [_line([_cell(row[name]) for name in names]) for row in rows])


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return " / ".join(value) if isinstance(value, list) else str(value)


def _local(local: dict[str, Any]) -> str:
    auroc = local["auroc"]["qwen2.5-coder-0.5b"]
    said = "; ".join(f"{when} {value} ({low}–{high})" for when, (value, low, high) in auroc.items())
    rows = [
        {
            "weak:strong cost": row["ratio"],
            "perfect saves %": row["perfect_saving_pct"],
            "stage 1 saves %": row["stage1"]["saving_pct"],
            "of perfect %": row["stage1"]["share_of_perfect_pct"],
            "both save %": row["both"]["saving_pct"],
            "both of perfect %": row["both"]["share_of_perfect_pct"],
            "both, λ from training rows: saves %": row["both"]["tuned_saving_pct"],
            "at share of strong accuracy %": row["both"]["tuned_accuracy_share_pct"],
            "stage 2 pays": "yes" if row["stage2_pays"] else "no",
        }
        for row in local["ratios"]
    ]
    head = f'Passed: {local["accuracy_pct"][0]} % and {local["accuracy_pct"][1]} %. AUROC for "0.5B passes": {said}.'
    return f"{head} Savings at 97 % of the strong model's accuracy.\n\n{_table(rows)}"


def _cost(result: dict[str, Any]) -> str:
    energy = result["router_energy"]
    return (
        f"p50 {result['latency_ms']['p50_64']} ms at 64 tokens, p99 {result['latency_ms']['p99_256']} ms at 256 "
        f"(processor time {result['cpu_ms']['p50_64']} and {result['cpu_ms']['p50_256']} ms); "
        f"{energy['router_j']} J {energy['method']}, {energy['share_pct']} % of a median local generation; "
        f"artifact {result['artifact_bytes'] / 1e6:.1f} MB."
    )
