/** Installs the server into an environment of the extension's own, with progress and cancel. */
import { spawn } from 'node:child_process';
import { access, mkdir } from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { executableIn, managedFolder } from './serverPath';

const windows = process.platform === 'win32';

/** True when the server was installed; every failure is told to the user here. */
export async function installServer(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Promise<boolean> {
  const wheel = vscode.workspace.getConfiguration('halfwatt').get<string>('install.wheel', '').trim() || (await askForWheel());
  if (!wheel) return false;
  const folder = managedFolder(context);
  const home = context.globalStorageUri.fsPath;
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: 'Installing halfwatt', cancellable: true },
    async (progress, token) => {
      try {
        await requireWheel(wheel);
        await mkdir(home, { recursive: true });
        progress.report({ message: 'making a Python environment' });
        await step(windows ? 'py' : 'python3', ['-I', '-m', 'venv', folder], home, log, token, () => undefined);
        progress.report({ message: 'installing; compiling llama.cpp takes 5 to 10 minutes the first time' });
        await step(executableIn(folder, 'python'), ['-I', '-m', 'pip', 'install', '-v', '--upgrade', wheel], home, log, token, (line) => {
          const compiled = /^\s*\[(\d+)\/(\d+)\] /.exec(line);
          if (compiled) progress.report({ message: `compiling llama.cpp: ${compiled[1]} of ${compiled[2]}` });
        });
        return true;
      } catch (error) {
        if (!token.isCancellationRequested) void tellFailure(error as Error, log);
        return false;
      }
    },
  );
}

/** The file that the user picks. The name `halfwatt` in a package index is nobody's yet, so only a file is installed. */
async function askForWheel(): Promise<string | undefined> {
  const picked = await vscode.window.showOpenDialog({
    title: 'The wheel of halfwatt to install',
    openLabel: 'Install',
    filters: { 'Python wheel': ['whl'] },
  });
  return picked?.[0]?.fsPath;
}

async function requireWheel(wheel: string): Promise<void> {
  const readable = path.isAbsolute(wheel) && wheel.endsWith('.whl') && (await access(wheel).then(() => true, () => false));
  if (!readable) throw new Error(`${wheel} is not a wheel that can be read; give the full path of a file that ends in .whl`);
}

async function tellFailure(error: Error, log: vscode.LogOutputChannel): Promise<void> {
  const text = `halfwatt was not installed: ${error.message}. Nothing else was changed. Python 3.11 and a C++ compiler are needed.`;
  if ((await vscode.window.showErrorMessage(text, 'Show log')) === 'Show log') log.show();
}

/** One child process, in a folder of our own and isolated, so that it takes no code from the folder VS Code was started in. */
function step(
  command: string,
  args: string[],
  cwd: string,
  log: vscode.LogOutputChannel,
  token: vscode.CancellationToken,
  onLine: (line: string) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    const cancel = token.onCancellationRequested(() => child.kill());
    const read = (data: Buffer): void => {
      for (const line of data.toString().split('\n').filter(Boolean)) {
        log.debug(line);
        onLine(line);
      }
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('error', () => reject(new Error(`${command} could not be started`)));
    child.on('close', (code) => {
      cancel.dispose();
      if (code === 0) resolve();
      else reject(new Error(`${command} ended with code ${code}`));
    });
  });
}
