/** The language server's life: found, started, restarted one at a time with back-off, and one clear message when it fails. */
import * as vscode from 'vscode';
import {
  CloseAction,
  ErrorAction,
  ExecuteCommandRequest,
  LanguageClient,
  RevealOutputChannelOn,
  State,
  type Middleware,
  type StaticFeature,
} from 'vscode-languageclient/node';
import { installServer } from './install';
import { ABILITIES } from './protocol';
import { findServer } from './serverPath';

const LANGUAGES = ['python', 'typescript', 'typescriptreact', 'javascript', 'javascriptreact', 'go', 'rust', 'java', 'c', 'cpp'];
export const SCHEMES = ['file', 'untitled', 'vscode-notebook-cell'];
const CRASHES_BEFORE_GIVING_UP = 4;
const CRASH_WINDOW_MS = 180_000;
const FIRST_DELAY_MS = 500;
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 2000;

export class Server implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private queue: Promise<void> = Promise.resolve();
  private crashes: number[] = [];
  /** Which command runs and why that one; "" where none does. */
  origin = '';
  private timer: NodeJS.Timeout | undefined;
  private readonly started = new vscode.EventEmitter<LanguageClient>();
  private readonly trouble = new vscode.EventEmitter<string>();
  readonly onStarted = this.started.event;
  readonly onTrouble = this.trouble.event;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
    private readonly middleware: Middleware,
  ) {}

  /** The running client, or an error with a sentence that says what to do. */
  private running(): LanguageClient {
    if (!this.isRunning) throw new Error('halfwatt is not running. Run "halfwatt: Restart Language Server".');
    return this.client as LanguageClient;
  }

  /** The client once a start that is under way has ended. */
  async whenRunning(): Promise<LanguageClient> {
    await this.queue;
    return this.running();
  }

  get isRunning(): boolean {
    return this.client?.state === State.Running;
  }

  /** One of the server's commands; its failure is an error with the server's own sentence. */
  async ask<T>(command: string, argument: object = {}): Promise<T> {
    const client = await this.whenRunning();
    return (await client.sendRequest(ExecuteCommandRequest.type, { command, arguments: [argument] })) as T;
  }

  /** Start or restart; calls made meanwhile wait their turn. */
  restart(): Promise<void> {
    clearTimeout(this.timer);
    this.queue = this.queue.then(() => this.stop()).then(() => this.start());
    return this.queue;
  }

  async install(): Promise<void> {
    if (await installServer(this.context, this.log)) await this.restart();
  }

  async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    this.origin = '';
    if (client?.needsStop()) await client.stop(STOP_LIMIT_MS).catch((error: Error) => this.log.warn(`stopping the server: ${error.message}`));
    await client?.dispose().catch(() => undefined);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.started.dispose();
    this.trouble.dispose();
  }

  private async start(): Promise<void> {
    const server = await findServer(this.context);
    if (!server.found) return this.sayMissing(server.why);
    this.origin = `${server.command}, ${server.why}`;
    this.log.info(`starting ${this.origin}`);
    await vscode.workspace.fs.createDirectory(this.context.globalStorageUri); // the server's working folder
    const client = this.createClient(server.command, server.why);
    this.client = client;
    try {
      await withinLimit(client.start());
    } catch (error) {
      return this.crashed(client, `${server.command} (${server.why}) did not start: ${reasonOf(error as Error)}`);
    }
    this.log.info(`halfwatt ${client.initializeResult?.serverInfo?.version ?? 'of unknown version'} is running`);
    if (this.crashes.length > 0) this.sayRecovered();
    this.started.fire(client);
  }

  private createClient(command: string, why: string): LanguageClient {
    const client: LanguageClient = new QuietClient(
      'halfwatt',
      'halfwatt',
      { command, args: ['lsp'], options: { cwd: this.context.globalStorageUri.fsPath } },
      {
        documentSelector: LANGUAGES.flatMap((language) => SCHEMES.map((scheme) => ({ scheme, language }))),
        outputChannel: this.log,
        revealOutputChannelOn: RevealOutputChannelOn.Never,
        initializationOptions: { editor: 'vscode' },
        initializationFailedHandler: () => false,
        middleware: this.middleware,
        errorHandler: {
          error: () => ({ action: ErrorAction.Continue, handled: true }),
          // never restarted by the client itself: `crashed` decides, so that two restarts cannot overlap
          closed: () => {
            this.crashed(client, `The halfwatt language server ${command} (${why}) ended unexpectedly`);
            return { action: CloseAction.DoNotRestart, handled: true };
          },
        },
      },
    );
    client.registerFeature(abilities);
    return client;
  }

  private crashed(client: LanguageClient, what: string): void {
    if (this.client !== client) return; // stopped on purpose, or this end was seen already
    this.client = undefined;
    void client.dispose().catch(() => undefined);
    const now = Date.now();
    this.crashes = [...this.crashes.filter((at) => now - at < CRASH_WINDOW_MS), now];
    this.log.error(what);
    if (this.crashes.length >= CRASHES_BEFORE_GIVING_UP) return void this.sayGivenUp(what);
    this.trouble.fire(`${what}. It is being started again.`);
    this.timer = setTimeout(() => void this.restart(), FIRST_DELAY_MS * 2 ** (this.crashes.length - 1));
  }

  private sayRecovered(): void {
    const text = 'The halfwatt language server ended unexpectedly and was started again. Your files are unchanged.';
    void vscode.window.showInformationMessage(text, 'Show Log').then((choice) => choice && this.log.show());
  }

  private async sayGivenUp(what: string): Promise<void> {
    this.crashes = [];
    const text = `${what}. It was tried ${CRASHES_BEFORE_GIVING_UP} times within three minutes and is left off now. Your files are unchanged.`;
    this.trouble.fire(text);
    const choice = await vscode.window.showErrorMessage(text, 'Start Again', 'Show Log');
    if (choice === 'Start Again') await this.restart();
    if (choice === 'Show Log') this.log.show();
  }

  private sayMissing(why: string): void {
    const text = `The halfwatt language server was not found: ${why}.`;
    this.log.warn(text);
    this.trouble.fire(text);
    const buttons = ['Install halfwatt', 'Choose a Path'] as const;
    void vscode.window.showWarningMessage(text, ...buttons).then((choice) => {
      if (choice === 'Install halfwatt') void this.install();
      if (choice === 'Choose a Path') void vscode.commands.executeCommand('workbench.action.openSettings', 'halfwatt.server.path');
    });
  }
}

/** Its errors go to the log: what the user is told comes from `Server`, once and in a sentence. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

/** A program that is no language server may never answer; a start that hangs must not block the next. */
function withinLimit(start: Promise<void>): Promise<void> {
  const sentence = `it did not answer within ${START_LIMIT_MS / 1000} s`;
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error(sentence)), START_LIMIT_MS)));
  return Promise.race([start, limit]).finally(() => clearTimeout(timer));
}

/** Writing to a program that has ended, or reading from it, fails in ways that tell a user nothing. */
function reasonOf({ message }: Error): string {
  const couldStart = !message.startsWith('spawn ');
  return couldStart && /EPIPE|ECONNRESET|stream|connection/i.test(message) ? 'it ended before it answered' : message;
}

/** Says what this client can do. Progress is shown by preview.ts: VS Code shows a server's own progress without a cancel button. */
const abilities: StaticFeature = {
  fillClientCapabilities(capabilities) {
    capabilities.experimental = { ...(capabilities.experimental as object | undefined), halfwatt: ABILITIES };
    capabilities.window = { ...capabilities.window, workDoneProgress: false };
  },
  initialize: () => undefined,
  getState: () => ({ kind: 'static' }),
  clear: () => undefined,
};
