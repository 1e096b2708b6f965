/** Puts the parts together. All logic about code, routing and energy is in the language server. */
import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { registerCommands, type Parts } from './commands';
import { createMiddleware } from './middleware';
import { Pages } from './pages';
import { Preview } from './preview';
import type { DeltaNote, DiffNote, StatusNote } from './protocol';
import { Server } from './server';
import { StatusItem } from './status';

/** What other extensions and the tests can see. */
export interface Api {
  /** Milliseconds from activation until the language server was ready. */
  ready_ms: Promise<number>;
  onDidChangeStatus: vscode.Event<StatusNote>;
}

let server: Server | undefined;

export function activate(context: vscode.ExtensionContext): Api {
  const began_ms = performance.now();
  const log = vscode.window.createOutputChannel('halfwatt', { log: true });
  const pages = new Pages();
  const status = new StatusItem();
  server = new Server(context, log, createMiddleware((id) => void preview.begin(id)));
  const preview: Preview = new Preview(pages, server.ask.bind(server));
  const parts: Parts = { log, pages, preview, server, status };
  context.subscriptions.push(log, pages, status, server, preview, ...registerCommands(parts), ...connect(parts));
  const ready_ms = server.restart().then(() => performance.now() - began_ms);
  void ready_ms.then((ms) => log.info(`activation took ${ms.toFixed(0)} ms`));
  return { ready_ms, onDidChangeStatus: status.onDidShow };
}

export async function deactivate(): Promise<void> {
  await server?.stop();
}

function connect(parts: Parts): vscode.Disposable[] {
  const { preview, server, status } = parts;
  return [
    server.onStarted((client) => {
      status.idle(server.origin);
      listen(client, parts);
      void vscode.commands.executeCommand('setContext', 'halfwatt.ready', true);
      void server.ask('halfwatt.status').catch((error: Error) => status.trouble(error.message)); // finds or starts the daemon
    }),
    server.onTrouble((text) => {
      preview.clear();
      status.trouble(text);
      void vscode.commands.executeCommand('setContext', 'halfwatt.ready', false);
    }),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('halfwatt.server.path')) void server.restart();
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => void server.restart()),
  ];
}

function listen(client: LanguageClient, { pages, preview, status }: Parts): void {
  client.onNotification('halfwatt/didChangeStatus', (note: StatusNote) => {
    const isNews = status.last?.kind !== note.kind;
    status.show(note);
    if (isNews && note.kind === 'no_model') void offerModel(note.message);
  });
  client.onNotification('halfwatt/generateDelta', (note: DeltaNote) => preview.update(note));
  client.onNotification('halfwatt/showDiff', ({ title, text }: DiffNote) => pages.show(pages.set(`${title}.diff`, text), 'diff'));
}

async function offerModel(message: string): Promise<void> {
  const get = 'Get the Local Model';
  if ((await vscode.window.showInformationMessage(message, get)) === get) await vscode.commands.executeCommand('halfwatt.getModel');
}
