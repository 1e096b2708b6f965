/** Puts the parts together. All logic about code, routing and energy is in the language server. */
import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { registerCommands } from './commands';
import { Preview } from './preview';
import type { DeltaNote, DiffNote, StatusNote } from './protocol';
import { Server } from './server';
import { StatusItem } from './status';

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const started_ms = performance.now();
  const log = vscode.window.createOutputChannel('halfwatt', { log: true });
  const server = new Server(context, log);
  const status = new StatusItem();
  const preview = new Preview();
  context.subscriptions.push(log, server, status, preview);
  registerCommands(context, server, status, preview, log);
  context.subscriptions.push(
    server.onStarted((client) => {
      listen(client, status, preview);
      void vscode.commands.executeCommand('setContext', 'halfwatt.ready', true);
      log.info(`ready after ${(performance.now() - started_ms).toFixed(0)} ms`);
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
  );
  await server.restart();
}

function listen(client: LanguageClient, status: StatusItem, preview: Preview): void {
  client.onNotification('halfwatt/didChangeStatus', (note: StatusNote) => {
    const hadModel = status.last?.kind !== 'no_model';
    status.show(note);
    if (note.kind === 'no_model' && hadModel) void offerModel(note.message);
  });
  client.onNotification('halfwatt/generateDelta', (note: DeltaNote) => {
    preview.update(client, note);
    if (note.state === 'failed') void vscode.window.showWarningMessage(note.message);
  });
  client.onNotification('halfwatt/showDiff', (note: DiffNote) => preview.showDiff(note));
}

async function offerModel(message: string): Promise<void> {
  if ((await vscode.window.showInformationMessage(message, 'Get the local model')) === 'Get the local model') {
    await vscode.commands.executeCommand('halfwatt.getModel');
  }
}
