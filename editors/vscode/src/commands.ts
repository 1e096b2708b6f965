/** The palette's commands. Each asks the server and shows its answer; a failure is shown as the server's own sentence. */
import * as vscode from 'vscode';
import { ExecuteCommandRequest } from 'vscode-languageclient/node';
import type { Preview } from './preview';
import type { Server } from './server';
import type { StatusItem } from './status';

type Route = 'auto' | 'local' | 'cloud';

export function registerCommands(context: vscode.ExtensionContext, server: Server, status: StatusItem, preview: Preview, log: vscode.LogOutputChannel): void {
  const ask = <T>(command: string, argument: object = {}): Promise<T> =>
    server.running().sendRequest(ExecuteCommandRequest.type, { command, arguments: [argument] }) as Promise<T>;
  const place = (): { uri: string; position: vscode.Position } => {
    const editor = vscode.window.activeTextEditor;
    if (!editor) throw new Error('No file is open: put the cursor on a function first.');
    const { document, selection } = editor;
    return { uri: server.running().code2ProtocolConverter.asUri(document.uri), position: selection.active };
  };
  const generate = (route: Route) => async (): Promise<void> => {
    const review = vscode.workspace.getConfiguration('halfwatt').get('generate.review', false);
    await ask('halfwatt.generate', { ...place(), route, review });
  };
  const showText = async (title: string, text: string): Promise<void> => {
    const document = await vscode.workspace.openTextDocument({ language: 'markdown', content: `# ${title}\n\n${text}\n` });
    await vscode.window.showTextDocument(document, { preview: true, viewColumn: vscode.ViewColumn.Beside });
  };

  const commands: Record<string, () => Promise<unknown>> = {
    generateFunction: generate('auto'),
    regenerateCloud: generate('cloud'),
    regenerateLocal: generate('local'),
    acceptPreview: () => (preview.current ? ask('halfwatt.accept', { job: preview.current }) : Promise.resolve()),
    rejectPreview: () => (preview.current ? ask('halfwatt.cancel', { job: preview.current }) : Promise.resolve()),
    showWhy: async () => showText('Why this route', (await ask<{ text: string }>('halfwatt.why')).text),
    pauseResume: () => ask(status.last?.paused ? 'halfwatt.resume' : 'halfwatt.pause'),
    chooseDial: async () => {
      const dial = await vscode.window.showQuickPick(DIALS, { placeHolder: 'How much energy is a better answer worth?' });
      if (dial) await ask('halfwatt.setDial', { dial: dial.label });
    },
    showEnergy: async () => showText('Energy', (await ask<{ text: string }>('halfwatt.energy', { since: '7d' })).text),
    openDashboard: async () => {
      const { url } = await ask<{ url: string }>('halfwatt.dashboard');
      await vscode.env.openExternal(await vscode.env.asExternalUri(vscode.Uri.parse(url, true)));
    },
    showLogs: async () => {
      log.show();
      const { path } = await ask<{ path: string }>('halfwatt.logs');
      log.info(`the daemon's own log: ${path}`);
    },
    runDoctor: async () => showText('halfwatt doctor', (await ask<{ text: string }>('halfwatt.doctor')).text),
    storeCloudKey: () => storeCloudKey(ask),
    getModel: () => ask('halfwatt.pullModel'),
    restart: () => server.restart(),
    menu: () => showMenu(status),
  };
  for (const [name, run] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(`halfwatt.${name}`, () => run().catch((error: Error) => void vscode.window.showErrorMessage(error.message))));
  }
}

const DIALS = [
  { label: 'eco', description: 'fewest joules: a clearly better answer is needed to leave the small model' },
  { label: 'balanced', description: 'the default' },
  { label: 'quality', description: 'best answer, joules matter little' },
];

/** The key goes straight through the server to the system's keyring; VS Code keeps no copy. */
async function storeCloudKey(ask: <T>(command: string, argument: object) => Promise<T>): Promise<void> {
  const provider = await vscode.window.showInputBox({ prompt: 'Name of the provider, as in the tier\'s "key" setting', value: 'openai' });
  if (!provider) return;
  const key = await vscode.window.showInputBox({ prompt: `API key for ${provider}`, password: true, ignoreFocusOut: true });
  if (!key) return;
  const { stored } = await ask<{ stored: string }>('halfwatt.setCloudKey', { provider, key });
  void vscode.window.showInformationMessage(`The key for ${provider} is in ${stored}.`);
}

async function showMenu(status: StatusItem): Promise<void> {
  const paused = status.last?.paused ?? false;
  const entries = [
    ...(status.last?.kind === 'no_model' ? [['Get the local model', 'getModel'] as const] : []),
    ['Why this route?', 'showWhy'] as const,
    [paused ? 'Resume' : 'Pause', 'pauseResume'] as const,
    ['Set the energy and quality dial', 'chooseDial'] as const,
    ['Show energy', 'showEnergy'] as const,
    ['Open dashboard', 'openDashboard'] as const,
    ['Run doctor', 'runDoctor'] as const,
    ['Show logs', 'showLogs'] as const,
    ['Restart language server', 'restart'] as const,
  ];
  const choice = await vscode.window.showQuickPick(entries.map(([label, command]) => ({ label, command })), { placeHolder: status.last?.message ?? 'halfwatt' });
  if (choice) await vscode.commands.executeCommand(`halfwatt.${choice.command}`);
}
