/** Sentences about energy, as pure functions. A saving that is negative is shown as one; unknown is never 0. */
import type { Energy, EnergySummary, Result, Saved } from './protocol';

export function joules(value: number | null): string {
  if (value === null) return 'unknown';
  const size = Math.abs(value);
  const sign = value < 0 ? '−' : '';
  if (size >= 3_600_000) return `${sign}${(size / 3_600_000).toFixed(2)} kWh`;
  if (size >= 10_000) return `${sign}${(size / 1000).toFixed(1)} kJ`;
  return `${sign}${size.toFixed(size < 10 ? 1 : 0)} J`;
}

export function energyText(energy: Energy): string {
  if (energy.total_j === null) return 'energy unknown';
  return `${joules(energy.total_j)} ${energy.method ?? ''}${range(energy.low_j, energy.high_j)}`;
}

/** A saving always rests on an estimate of what the reference model would have used. */
export function savedText(saved: Saved): string {
  const reference = saved.reference || 'the reference model';
  if (saved.j === null) return `what ${reference} would have used is unknown`;
  return `${joules(saved.j)} saved against ${reference}, estimated${range(saved.low_j, saved.high_j)}`;
}

export function lastText(last: Result): string {
  const seconds = last.latency_ms.total === null ? '' : ` in ${(last.latency_ms.total / 1000).toFixed(1)} s`;
  return `${last.tier} (${last.model})${seconds}, ${energyText(last.energy)}`;
}

/** A page about a span of time, in Markdown that also reads well as text. */
export function summaryPage(summary: EnergySummary): string {
  const requests = `${summary.requests} ${summary.requests === 1 ? 'request' : 'requests'}`;
  const tiers = Object.entries(summary.by_tier).map(([tier, energy]) => `- ${tier}: ${energyText(energy)}`);
  return [`Since ${summary.since.slice(0, 10)}: ${requests}, ${energyText(summary.energy)}.`, `${savedText(summary.saved)}.`, tiers.join('\n')].join('\n\n');
}

function range(low: number | null, high: number | null): string {
  return low === null || high === null ? '' : ` (${joules(low)} to ${joules(high)})`;
}
