"""The table as text: what `halfwatt router bench` prints and `RESULTS.md` keeps."""

from typing import Any

from .published import published_cell
from .report_published import published_parts, table_text

_POLICIES = {"stage1": "stage 1 alone", "stage2": "stage 2 alone", "both": "both stages"}


def results_text(result: dict[str, Any]) -> str:
    """Markdown of all figures."""
    energy = result["energy_rtx4090"]
    parts = [
        "## Measured pair: DeepSeek-Coder-1.3B → Qwen2.5-Coder-3B, RTX 4090",
        _headline(energy),
        table_text(_shown(energy["routers"])),
        "## Llama-3 pairs on MBPP, points of tests passed against all-large",
        table_text(result["llama3_mbpp"]),
        "## Local pair: Qwen2.5-Coder 0.5B → 1.5B, q4_k_m",
        _local(result["local_pair"]),
        *published_parts(result),
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
        "reduction_pct": "red. %", "low": "low", "high": "high", "published": "published acc / J / red.",
        "apgr": "APGR", "cpt_50": "CPT50", "cpt_80": "CPT80", "hull_area": "hull", "oracle_share_pct": "of oracle %",
        "gap_to_oracle": "gap to oracle", "accuracy_per_s": "J=acc/s", "brier": "Brier", "calibration_error": "ECE",
        "router_ms": "router ms", "router_j": "router J", "fold_cpu_ms": "cpu ms/fold",
    }  # fmt: skip
    rows = [{**row, "published": published_cell(row["router"], row["setting"])} for row in rows]
    return [{short: row.get(name) for name, short in columns.items()} for row in rows]


def _local(local: dict[str, Any]) -> str:
    aurocs = "\n".join(_aurocs(model, values) for model, values in local["auroc"].items())
    rows = [_policy_row(at, name, label) for at in local["ratios"] for name, label in _POLICIES.items()]
    weak, strong = local["accuracy_pct"]
    tokens = local["tokens"]
    pays = ", ".join(str(at["ratio"]) for at in local["ratios"] if at["stage2_pays"]) or "none"
    head = f"Passed: {weak} % and {strong} %; tokens an answer: {tokens[0]} and {tokens[1]}."
    savings = (
        f"Savings at {local['target_share']:.0%} of the strong model's accuracy. Stage 2 pays at cost ratios {pays}."
    )
    return f"{head}\n\n{aurocs}\n\n{savings}\n\n{table_text(rows)}"


def _aurocs(model: str, values: dict[str, list[float]]) -> str:
    parts = (f"{name.replace('_', ' ')} {value} ({low} to {high})" for name, (value, low, high) in values.items())
    return f'- AUROC for "{model} passes": {"; ".join(parts)}'


def _policy_row(at: dict[str, Any], name: str, label: str) -> dict[str, Any]:
    figures, tuned = at[name], at[name]["tuned"]
    return {
        "weak:strong": at["ratio"],
        "perfect saves %": at["perfect_saving_pct"],
        "router": label,
        "saves %": _with_interval(figures, "saving"),
        "of perfect %": _with_interval(figures, "share_of_perfect"),
        "red. against the line %": _with_interval(figures, "reduction"),
        "λ from training rows: saves %": _with_interval(tuned, "saving"),
        "of perfect % ": _with_interval(tuned, "share_of_perfect"),
        "at share of strong accuracy %": tuned["accuracy_share_pct"],
    }


def _with_interval(figures: dict[str, Any], name: str) -> str:
    low, high = figures[f"{name}_interval"]
    return f"{figures[f'{name}_pct']} ({low} to {high})"


def _cost(result: dict[str, Any]) -> str:
    energy = result["router_energy"]
    return (
        f"p50 {result['latency_ms']['p50_64']} ms at 64 tokens, p99 {result['latency_ms']['p99_256']} ms at 256 "
        f"(processor time {result['cpu_ms']['p50_64']} and {result['cpu_ms']['p50_256']} ms); "
        f"{energy['router_j']} J {energy['method']}, {energy['share_pct']} % of a median local generation; "
        f"artifact {result['artifact_bytes'] / 1e6:.1f} MB."
    )
