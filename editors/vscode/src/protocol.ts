/** The shapes of `lsp/PROTOCOL.md`, as far as this extension reads them. Unknown numbers are null. */
import type * as vscode from 'vscode';

export type Method = 'measured' | 'modelled' | 'estimated';
export type Route = 'auto' | 'local' | 'cloud';
export type State = 'ready' | 'loading' | 'busy' | 'paused' | 'no_model' | 'offline' | 'error';
export type JobState = 'running' | 'ready' | 'applied' | 'failed' | 'cancelled';

export interface Energy {
  total_j: number | null;
  low_j: number | null;
  high_j: number | null;
  method: Method | null;
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
}

export interface EnergySummary {
  since: string;
  requests: number;
  energy: Energy;
  saved: Saved;
  by_tier: Record<string, Energy>;
}

export interface StatusNote {
  busy: boolean;
  kind: State;
  message: string;
  paused: boolean;
  warnings: string[];
  progress: number | null;
  energy: {
    today_j: number | null;
    saved_j: number | null;
    saved_low_j: number | null;
    saved_high_j: number | null;
    method: Method | null;
    reference: string | null;
    last: Result | null;
  };
}

export interface DeltaNote {
  job: string;
  uri: string;
  range: { start: { line: number; character: number }; end: { line: number; character: number } };
  text: string;
  state: JobState;
  message: string;
}

export interface DiffNote {
  title: string;
  uri: string;
  text: string;
}

/** Runs one of the server's commands and gives its answer. */
export type Ask = <T>(command: string, argument?: object) => Promise<T>;

/** What `halfwatt.generate` is asked for. */
export interface GenerateArguments {
  uri: string;
  position: { line: number; character: number } | vscode.Position;
  route?: Route;
  review?: boolean;
}

/** What the extension tells the server it understands, under `capabilities.experimental.halfwatt`. */
export const ABILITIES = { status: true, generateDelta: true, review: true };
