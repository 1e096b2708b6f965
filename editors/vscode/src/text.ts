/** Sentences about energy, as pure functions. A saving that is negative is said to be one. */
import type { Energy, Result, Saved } from './protocol';

export function joules(value: number | null): string {
  if (value === null) return 'unknown';
  const size = Math.abs(value);
  const sign = value < 0 ? '−' : '';
  if (size >= 3_600_000) return `${sign}${(size / 3_600_000).toFixed(2)} kWh`;
  if (size >= 10_000) return `${sign}${(size / 1000).toFixed(1)} kJ`;
  return `${sign}${size.toFixed(size < 10 ? 1 : 0)} J`;
}

function range(low: number | null, high: number | null): string {
  return low === null || high === null ? '' : ` (${joules(low)} to ${joules(high)})`;
}

export function energyText(energy: Energy): string {
  if (energy.total_j === null) return 'energy unknown';
  return `${joules(energy.total_j)} ${energy.method ?? ''}${range(energy.low_j, energy.high_j)}`;
}

export function savedText(saved: Saved): string {
  if (saved.j === null) return `saving against ${saved.reference || 'the reference model'} unknown`;
  const verb = saved.j < 0 ? 'used more than' : 'saved against';
  return `${joules(Math.abs(saved.j))} ${verb} ${saved.reference}${range(saved.low_j, saved.high_j)}`;
}

export function lastText(last: Result): string {
  const seconds = last.latency_ms.total === null ? '' : ` in ${(last.latency_ms.total / 1000).toFixed(1)} s`;
  return `${last.tier} · ${last.model}${seconds} · ${energyText(last.energy)}\n\n${last.reason}`;
}
