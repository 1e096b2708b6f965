/** The status-bar item: energy saved today, what halfwatt is doing, and why it is quiet. Fed by notifications, never polls. */
import * as vscode from 'vscode';
import type { State, StatusNote } from './protocol';
import { joules, lastText } from './text';

const ICONS: Record<State, string> = {
  ready: 'leaf',
  loading: 'sync~spin',
  busy: 'sync~spin',
  paused: 'debug-pause',
  no_model: 'cloud-download',
  offline: 'circle-slash',
  error: 'warning',
};
const QUIET_STATES: Partial<Record<State, string>> = { paused: 'paused', no_model: 'no model yet', offline: 'offline', error: 'trouble', loading: 'loading' };

export class StatusItem implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('energy', vscode.StatusBarAlignment.Right, 90);
  private readonly configuration = vscode.workspace.onDidChangeConfiguration(() => this.showOrHide());
  last: StatusNote | undefined;

  constructor() {
    this.item.name = 'halfwatt energy';
    this.item.command = 'halfwatt.menu';
    this.item.text = '$(sync~spin) halfwatt';
    this.item.tooltip = 'halfwatt is starting';
    this.showOrHide();
  }

  show(note: StatusNote): void {
    this.last = note;
    const state = note.paused ? 'paused' : note.busy ? 'busy' : note.kind;
    const words = QUIET_STATES[state] ?? savedToday(note);
    this.item.text = `$(${ICONS[state]}) ${words}`;
    this.item.tooltip = tooltip(note);
    this.item.accessibilityInformation = { label: `halfwatt: ${words}. ${note.message}`, role: 'button' };
    const warn = state === 'error' || note.warnings.length > 0;
    this.item.backgroundColor = warn ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
  }

  trouble(text: string): void {
    this.item.text = '$(warning) halfwatt';
    this.item.tooltip = text;
    this.item.accessibilityInformation = { label: `halfwatt: ${text}`, role: 'button' };
    this.item.backgroundColor = new vscode.ThemeColor('statusBarItem.warningBackground');
  }

  dispose(): void {
    this.configuration.dispose();
    this.item.dispose();
  }

  private showOrHide(): void {
    const enabled = vscode.workspace.getConfiguration('halfwatt').get('statusBar.enabled', true);
    if (enabled) this.item.show();
    else this.item.hide();
  }
}

function savedToday(note: StatusNote): string {
  const saved = note.energy.saved_j;
  return saved === null ? 'halfwatt' : `${joules(saved)} saved`;
}

function tooltip(note: StatusNote): vscode.MarkdownString {
  const lines = [`**halfwatt** · ${note.message}`, ...note.warnings.map((warning) => `$(warning) ${warning}`)];
  const { energy } = note;
  if (energy.today_j !== null) {
    const label = energy.method ? ` ${energy.method}` : '';
    lines.push(`Today: ${joules(energy.today_j)}${label}`);
    if (energy.saved_j !== null) {
      lines.push(`Saved against ${energy.reference}: ${joules(energy.saved_j)} (${joules(energy.saved_low_j)} to ${joules(energy.saved_high_j)})`);
    }
  }
  if (energy.last) lines.push(`Last: ${lastText(energy.last)}`);
  const text = new vscode.MarkdownString(lines.join('\n\n'), true);
  text.isTrusted = false;
  return text;
}
