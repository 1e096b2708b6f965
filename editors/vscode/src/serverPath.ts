/** Which `halfwatt` executable to run, and why that one. Starts nothing: the server itself says its version. */
import { access, constants } from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';

const windows = process.platform === 'win32';

export type ServerPath = { found: true; command: string; why: string } | { found: false; why: string };

/** The environment that the extension makes when it installs the server. */
export function managedFolder(context: vscode.ExtensionContext): string {
  return path.join(context.globalStorageUri.fsPath, 'server');
}

export function executableIn(environment: string, name: string): string {
  return windows ? path.join(environment, 'Scripts', `${name}.exe`) : path.join(environment, 'bin', name);
}

/** The first one that exists; a path from the settings that does not exist is never passed over. */
export async function findServer(context: vscode.ExtensionContext): Promise<ServerPath> {
  const setting = vscode.workspace.getConfiguration('halfwatt').get<string>('server.path', '').trim();
  if (setting) {
    const command = setting.startsWith('~/') ? path.join(os.homedir(), setting.slice(2)) : setting;
    if (await executable(command)) return { found: true, command, why: 'from the setting halfwatt.server.path' };
    return { found: false, why: `the setting halfwatt.server.path names ${setting}, which is not an executable file` };
  }
  const environment = await activeEnvironment();
  const places = [
    ...(environment ? [{ command: executableIn(environment, 'halfwatt'), why: 'in the active Python environment' }] : []),
    ...pathFolders().map((folder) => ({ command: path.join(folder, windows ? 'halfwatt.exe' : 'halfwatt'), why: 'the first on PATH' })),
    { command: executableIn(managedFolder(context), 'halfwatt'), why: 'in the environment that this extension made' },
  ];
  for (const place of places) {
    if (await executable(place.command)) return { found: true, ...place };
  }
  return { found: false, why: 'there is no halfwatt command in the active Python environment or on PATH' };
}

function pathFolders(): string[] {
  return (process.env['PATH'] ?? '').split(path.delimiter).filter(path.isAbsolute);
}

async function executable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(() => path.isAbsolute(file), () => false);
}

/** The environment chosen in the Python extension, where that is installed; code of a workspace that is not trusted is not run. */
async function activeEnvironment(): Promise<string | undefined> {
  if (!vscode.workspace.isTrusted) return undefined;
  const python = vscode.extensions.getExtension('ms-python.python');
  if (python) {
    const api = python.isActive ? python.exports : await python.activate();
    const chosen = await api?.environments?.resolveEnvironment?.(api.environments.getActiveEnvironmentPath());
    const folder: unknown = chosen?.executable?.sysPrefix;
    if (typeof folder === 'string') return folder;
  }
  return process.env['VIRTUAL_ENV'];
}
