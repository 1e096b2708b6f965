/** Which `halfwatt` executable to run, and why that one. Starts nothing but a version check. */
import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import * as path from 'node:path';
import { promisify } from 'node:util';
import * as vscode from 'vscode';

const run = promisify(execFile);
const windows = process.platform === 'win32';

export type Origin = 'setting' | 'environment' | 'path' | 'managed';

export type ServerPath =
  | { found: true; command: string; origin: Origin; why: string; version: string }
  | { found: false; why: string };

interface Candidate {
  command: string;
  origin: Origin;
  why: string;
}

export function managedFolder(context: vscode.ExtensionContext): string {
  return path.join(context.globalStorageUri.fsPath, 'server');
}

export function executableIn(environment: string, name: string): string {
  return windows ? path.join(environment, 'Scripts', `${name}.exe`) : path.join(environment, 'bin', name);
}

/** The first candidate that answers `--version`; a path from the settings that does not work is never passed over. */
export async function findServer(context: vscode.ExtensionContext): Promise<ServerPath> {
  const tried: string[] = [];
  for await (const candidate of candidates(context)) {
    const answer = await versionOf(candidate.command);
    if (answer.version !== undefined) return { found: true, ...candidate, version: answer.version };
    tried.push(`${candidate.why}: ${answer.problem}`);
    if (candidate.origin === 'setting') break;
  }
  return { found: false, why: tried.join('; ') || 'no halfwatt command in this environment or on PATH' };
}

async function* candidates(context: vscode.ExtensionContext): AsyncGenerator<Candidate> {
  const setting = vscode.workspace.getConfiguration('halfwatt').get<string>('server.path', '').trim();
  if (setting) yield { command: setting, origin: 'setting', why: 'the setting halfwatt.server.path' };
  const environment = await activeEnvironment();
  if (environment && (await executable(executableIn(environment, 'halfwatt')))) {
    yield { command: executableIn(environment, 'halfwatt'), origin: 'environment', why: 'the active Python environment' };
  }
  const onPath = await searchPath();
  if (onPath) yield { command: onPath, origin: 'path', why: 'the first halfwatt on PATH' };
  const managed = executableIn(managedFolder(context), 'halfwatt');
  if (await executable(managed)) yield { command: managed, origin: 'managed', why: 'the environment that this extension made' };
}

async function executable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(() => true, () => false);
}

async function searchPath(): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(path.delimiter).filter(path.isAbsolute)) {
    const file = path.join(folder, windows ? 'halfwatt.exe' : 'halfwatt');
    if (await executable(file)) return file;
  }
  return undefined;
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

async function versionOf(command: string): Promise<{ version?: string; problem?: string }> {
  try {
    const { stdout } = await run(command, ['--version'], { timeout: 15_000, windowsHide: true });
    const version = /\d+\.\d+\.\d+\S*/.exec(stdout)?.[0];
    return version ? { version } : { problem: `${command} --version printed no version` };
  } catch (error) {
    const reason = error as NodeJS.ErrnoException & { killed?: boolean };
    if (reason.code === 'ENOENT') return { problem: `${command} does not exist` };
    return { problem: reason.killed ? `${command} did not answer within 15 s` : `${command} could not be run` };
  }
}
