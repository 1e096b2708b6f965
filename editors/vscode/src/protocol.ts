/** The shapes of `lsp/PROTOCOL.md`, as far as this extension reads them. Unknown numbers are null. */

export interface Energy {
  total_j: number | null;
  low_j: number | null;
  high_j: number | null;
  method: 'measured' | 'modelled' | 'estimated' | null;
}

export interface Saved {
  j: number | null;
  low_j: number | null;
  high_j: number | null;
  reference: string;
}

export interface Result {
  tier: string;
  kind: 'local' | 'edge' | 'cloud' | 'none';
  model: string;
  reason: string;
  energy: Energy;
  saved: Saved;
  latency_ms: { total: number | null };
  offer_cloud: boolean;
}

export type State = 'ready' | 'loading' | 'busy' | 'paused' | 'no_model' | 'offline' | 'error';

export interface StatusNote {
  busy: boolean;
  kind: State;
  message: string;
  paused: boolean;
  warnings: string[];
  energy: {
    today_j: number | null;
    saved_j: number | null;
    saved_low_j: number | null;
    saved_high_j: number | null;
    method: string | null;
    reference: string;
    last: Result | null;
  };
}

export interface DeltaNote {
  job: string;
  uri: string;
  range: { start: { line: number; character: number }; end: { line: number; character: number } };
  text: string;
  state: 'running' | 'ready' | 'applied' | 'failed' | 'cancelled';
  message: string;
}

export interface DiffNote {
  title: string;
  uri: string;
  text: string;
}

/** What the extension tells the server it understands, under `capabilities.experimental.halfwatt`. */
export const ABILITIES = { status: true, generateDelta: true, review: true };
