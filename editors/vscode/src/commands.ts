/** The palette's commands. Each asks the server and shows its answer; a failure is shown as the server's own sentence. */
import * as vscode from 'vscode';
import { showMenu } from './menu';
import type { Pages } from './pages';
import type { Preview } from './preview';
import type { EnergySummary, Route } from './protocol';
import { SCHEMES, type Server } from './server';
import type { StatusItem } from './status';
import { summaryPage } from './text';

export interface Parts {
  log: vscode.LogOutputChannel;
  pages: Pages;
  preview: Preview;
  server: Server;
  status: StatusItem;
}

export function registerCommands(parts: Parts): vscode.Disposable[] {
  const { log, pages, preview, server, status } = parts;
  const ask = server.ask.bind(server);
  const ofPreview = (command: string) => async (): Promise<void> => {
    if (preview.current) await ask(command, { job: preview.current });
  };
  const commands: Record<string, () => Promise<unknown>> = {
    generateFunction: () => generate(server, 'auto'),
    regenerateCloud: () => generate(server, 'cloud'),
    regenerateLocal: () => generate(server, 'local'),
    acceptPreview: ofPreview('halfwatt.accept'),
    rejectPreview: ofPreview('halfwatt.cancel'),
    showWhy: async () => pages.showMarkdown('Why this route', (await ask<{ text: string }>('halfwatt.why')).text),
    pauseResume: () => ask(status.last?.paused ? 'halfwatt.resume' : 'halfwatt.pause'),
    chooseDial: async () => {
      const dial = await vscode.window.showQuickPick(DIALS, { placeHolder: 'How much energy is a better answer worth?' });
      if (dial) await ask('halfwatt.setDial', { dial: dial.label });
    },
    showEnergy: async () => pages.showMarkdown('Energy', summaryPage(await ask<EnergySummary>('halfwatt.energy', { since: '7d' }))),
    openDashboard: async () => {
      const { url, page } = await ask<{ url: string; page: string }>('halfwatt.dashboard');
      const isOnThisMachine = vscode.env.uiKind === vscode.UIKind.Desktop && !vscode.env.remoteName;
      // On this machine a browser is a process, whose arguments other users see; the page's file leads to the link.
      const opened = isOnThisMachine ? vscode.Uri.file(page) : await vscode.env.asExternalUri(vscode.Uri.parse(url, true));
      await vscode.env.openExternal(opened);
    },
    showLogs: async () => {
      log.show(true);
      if (!server.isRunning) return;
      const { path } = await ask<{ path: string }>('halfwatt.logs');
      log.info(`the daemon's own log: ${path}`);
      await vscode.window.showTextDocument(vscode.Uri.file(path));
    },
    runDoctor: async () => pages.showMarkdown('halfwatt doctor', (await ask<{ text: string }>('halfwatt.doctor')).text),
    storeCloudKey: () => storeCloudKey(server),
    getModel: () => getModel(server, status),
    installServer: () => server.install(),
    restart: () => server.restart(),
    menu: () => showMenu(server.isRunning, status.last),
  };
  return Object.entries(commands).map(([name, run]) =>
    vscode.commands.registerCommand(`halfwatt.${name}`, () => run().catch(tellFailure)),
  );
}

/** A message with a button is shown whole; without one VS Code cuts it after its first line. */
async function tellFailure({ message }: Error): Promise<void> {
  const show = 'Show Logs';
  if ((await vscode.window.showErrorMessage(message, show)) === show) await vscode.commands.executeCommand('halfwatt.showLogs');
}

const DIALS = [
  { label: 'eco', description: 'fewest joules: only a clearly better answer is worth leaving the small model' },
  { label: 'balanced', description: 'the default' },
  { label: 'quality', description: 'the best answer; joules matter little' },
];

/** By the server's own command, as the lightbulb does it: the middleware adds what this editor knows. */
async function generate(server: Server, route: Route): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (!editor) throw new Error('No file is open: put the cursor on a function first.');
  const { document } = editor;
  const { line, character } = editor.selection.active;
  if (!SCHEMES.includes(document.uri.scheme)) {
    throw new Error(`This is a "${document.uri.scheme}" document, which cannot be changed from here. Open the file itself.`);
  }
  const client = await server.whenRunning();
  const uri = client.code2ProtocolConverter.asUri(document.uri);
  await vscode.commands.executeCommand('halfwatt.generate', { uri, position: { line, character }, route });
}

/** The key goes straight through the server to the system's keyring; VS Code keeps no copy. */
async function storeCloudKey(server: Server): Promise<void> {
  await server.whenRunning();
  const provider = await vscode.window.showInputBox({ prompt: 'Name of the key, as in the tier\'s setting "key"', value: 'openai' });
  if (!provider) return;
  const key = await vscode.window.showInputBox({ prompt: `API key for ${provider}`, password: true, ignoreFocusOut: true });
  if (!key) return;
  const { stored } = await server.ask<{ stored: string }>('halfwatt.setCloudKey', { provider, key });
  void vscode.window.showInformationMessage(stored);
}

/** Asks for the model and shows the daemon's progress until it is there or the daemon says why not. */
async function getModel(server: Server, status: StatusItem): Promise<void> {
  await vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title: 'halfwatt' }, async (progress) => {
    progress.report({ message: 'getting the local model' });
    let done_pct = 0;
    const follow = new Promise<void>((resolve) => {
      let begun = false;
      const listener = status.onDidShow(({ progress: share, message }) => {
        begun ||= typeof share === 'number';
        if (!begun) return;
        if (typeof share === 'number') progress.report({ message, increment: 100 * share - done_pct });
        done_pct = 100 * (share ?? 1);
        if (typeof share === 'number') return;
        listener.dispose();
        resolve();
      });
    });
    await server.ask('halfwatt.pullModel');
    await follow;
  });
}
