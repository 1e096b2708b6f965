/** The status-bar item: energy saved today, what halfwatt is doing, and why it is quiet. Fed by notifications, never polls. */
import * as vscode from 'vscode';
import type { State, StatusNote } from './protocol';
import { energyText, joules, lastText, savedText } from './text';

const ICONS: Record<State, string> = {
  ready: 'zap',
  loading: 'sync~spin',
  busy: 'sync~spin',
  paused: 'debug-pause',
  no_model: 'cloud-download',
  offline: 'circle-slash',
  error: 'warning',
};
const WORDS: Partial<Record<State, string>> = { paused: 'paused', no_model: 'no model yet', error: 'trouble' };

export class StatusItem implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('energy', vscode.StatusBarAlignment.Right, 90);
  private readonly configuration = vscode.workspace.onDidChangeConfiguration(() => this.showOrHide());
  private readonly shown = new vscode.EventEmitter<StatusNote>();
  readonly onDidShow = this.shown.event;
  last: StatusNote | undefined;
  private origin = '';

  constructor() {
    this.item.name = 'halfwatt energy';
    this.item.command = 'halfwatt.menu';
    this.set('sync~spin', 'halfwatt', 'halfwatt is starting.');
    this.showOrHide();
  }

  /** The server runs, from where `origin` says, and has not yet said anything about the daemon. */
  idle(origin: string): void {
    this.origin = origin;
    this.set('zap', 'halfwatt', `The language server is ready: ${origin}.`);
  }

  show(note: StatusNote): void {
    this.last = note;
    const state = note.paused ? 'paused' : note.busy ? 'busy' : note.kind;
    const words = note.progress ? `model ${Math.round(100 * note.progress)} %` : (WORDS[state] ?? savedToday(note));
    const warns = state === 'error' || note.warnings.length > 0;
    const icon = warns && state !== 'busy' && state !== 'loading' ? 'warning' : ICONS[state];
    this.set(icon, words, tooltip(note, this.origin), [note.message, ...note.warnings].join(' '), warns);
    this.shown.fire(note);
  }

  trouble(text: string): void {
    this.last = undefined;
    this.set('warning', 'halfwatt', text, text, true);
  }

  dispose(): void {
    this.configuration.dispose();
    this.shown.dispose();
    this.item.dispose();
  }

  private set(icon: string, words: string, tip: string | vscode.MarkdownString, spoken = '', warns = false): void {
    this.item.text = `$(${icon}) ${words}`;
    this.item.tooltip = tip;
    this.item.accessibilityInformation = { label: `halfwatt: ${words}. ${spoken}`, role: 'button' };
    this.item.backgroundColor = warns ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
  }

  private showOrHide(): void {
    const enabled = vscode.workspace.getConfiguration('halfwatt').get('statusBar.enabled', true);
    if (enabled) this.item.show();
    else this.item.hide();
  }
}

function savedToday(note: StatusNote): string {
  const offline = note.kind === 'offline' ? 'offline, ' : '';
  return note.energy.saved_j === null ? `${offline}halfwatt` : `${offline}${joules(note.energy.saved_j)} saved (estimated)`;
}

function tooltip(note: StatusNote, origin: string): vscode.MarkdownString {
  const text = new vscode.MarkdownString('', true);
  const paragraph = (words: string, icon = ''): void => void text.appendMarkdown(icon).appendText(words).appendMarkdown('\n\n');
  text.appendMarkdown('**halfwatt** · ');
  paragraph(note.message);
  for (const warning of note.warnings) paragraph(warning, '$(warning) ');
  const { today_j, saved_j, saved_low_j, saved_high_j, method, reference, last } = note.energy;
  if (today_j !== null) {
    paragraph(`Today: ${energyText({ total_j: today_j, low_j: null, high_j: null, method })}`);
    paragraph(savedText({ j: saved_j, low_j: saved_low_j, high_j: saved_high_j, reference: reference ?? '' }));
  }
  if (last) {
    paragraph(`Last: ${lastText(last)}`);
    paragraph(last.reason);
  }
  paragraph(`Server: ${origin}`);
  return text;
}
