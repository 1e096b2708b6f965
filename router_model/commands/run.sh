#!/usr/bin/env bash
# The whole pipeline from models to artifact: router_model/commands/run.sh DATA_DIR WORK_DIR MODELS_DIR
# Resumable: finished answers, tables and the exported encoder are kept in WORK_DIR. Needs the extra [train] and
# bubblewrap. Labelling what the reference table lacks takes about a quarter of an hour on two idle cores.
set -euo pipefail
data=$1 work=$2 models=$3
python=${PYTHON:-python3}
added=$(dirname "$0")/../data/qwen25coder_q4_added.csv
large=qwen2.5-coder-1.5b-instruct-q4_k_m small=qwen2.5-coder-0.5b-instruct-q4_k_m
mkdir -p "$work"

label() { "$python" -m halfwatt.router_model.labelling.label local --data-dir "$data" "$@"; }

if [ ! -f "$added" ]; then
  # 1 label: what the reference lacks, and the tasks that its repetition rule cut inside a docstring
  label --model "$models/$large.gguf" --out "$work/large.jsonl" \
    --missing-in "$data/qwen25coder_q4_outcomes.csv" --missing-model "$large"
  label --model "$models/$large.gguf" --out "$work/large.jsonl" --tasks HumanEval/31,HumanEval/43,mbpp/236
  label --model "$models/$small.gguf" --out "$work/small.jsonl" \
    --tasks HumanEval/31,HumanEval/43,HumanEval/48,HumanEval/54,mbpp/241,mbpp/523
  # 2 judge by execution; the judge itself is checked first
  "$python" -m halfwatt.router_model.labelling.judge canonical --data-dir "$data"
  "$python" -m halfwatt.router_model.labelling.judge outcomes --data-dir "$data" \
    --labels "$work/large.jsonl" "$work/small.jsonl" --out "$added"
fi
# 3 train, 4 evaluate, 5 export
"$python" -m halfwatt.router_model.commands.pipeline all --data-dir "$data" --work "$work"
