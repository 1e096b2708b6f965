/** The menu behind the status-bar item: only what makes sense now. */
import * as vscode from 'vscode';
import type { StatusNote } from './protocol';

export async function showMenu(running: boolean, last: StatusNote | undefined): Promise<void> {
  const entries = running ? whileRunning(last) : WHILE_OFF;
  const items = entries.map(([icon, label, command]) => ({ label: `$(${icon}) ${label}`, command }));
  const choice = await vscode.window.showQuickPick(items, { placeHolder: last?.message ?? 'halfwatt' });
  if (choice) await vscode.commands.executeCommand(`halfwatt.${choice.command}`);
}

type Entry = readonly [icon: string, label: string, command: string];

const WHILE_OFF: Entry[] = [
  ['debug-restart', 'Restart the language server', 'restart'],
  ['desktop-download', 'Install halfwatt', 'installServer'],
  ['output', 'Show logs', 'showLogs'],
];

function whileRunning(last: StatusNote | undefined): Entry[] {
  return [
    ...(last?.kind === 'no_model' ? [['cloud-download', 'Get the local model', 'getModel'] as const] : []),
    ['question', 'Why this route?', 'showWhy'],
    last?.paused ? ['debug-start', 'Resume', 'pauseResume'] : ['debug-pause', 'Pause', 'pauseResume'],
    ['settings', 'Set the energy and quality dial', 'chooseDial'],
    ['zap', 'Show energy', 'showEnergy'],
    ['graph', 'Open dashboard', 'openDashboard'],
    ['pulse', 'Run doctor', 'runDoctor'],
    ['output', 'Show logs', 'showLogs'],
    ['debug-restart', 'Restart the language server', 'restart'],
  ];
}
