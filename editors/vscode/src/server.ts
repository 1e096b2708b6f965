/** The language server's life: found, started, restarted one at a time with back-off, and one clear message when it fails. */
import * as vscode from 'vscode';
import { CloseAction, ErrorAction, LanguageClient, RevealOutputChannelOn, State, type ErrorHandler, type StaticFeature } from 'vscode-languageclient/node';
import { installServer } from './install';
import { ABILITIES } from './protocol';
import { findServer } from './serverPath';

export const LANGUAGES = ['python', 'typescript', 'typescriptreact', 'javascript', 'javascriptreact', 'go', 'rust', 'java', 'c', 'cpp'];
const CRASHES_BEFORE_GIVING_UP = 4;
const CRASH_WINDOW_MS = 180_000;

export class Server implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private queue: Promise<void> = Promise.resolve();
  private crashes: number[] = [];
  private timer: NodeJS.Timeout | undefined;
  private readonly started = new vscode.EventEmitter<LanguageClient>();
  private readonly trouble = new vscode.EventEmitter<string>();
  readonly onStarted = this.started.event;
  readonly onTrouble = this.trouble.event;

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly log: vscode.LogOutputChannel,
  ) {}

  /** The running client, or an error with a sentence that says what to do. */
  running(): LanguageClient {
    if (this.client?.state !== State.Running) throw new Error('halfwatt is not running. Run "halfwatt: Restart Language Server".');
    return this.client;
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

  dispose(): void {
    clearTimeout(this.timer);
    void this.stop();
  }

  private async stop(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client?.needsStop()) await client.stop(2000).catch((error: Error) => this.log.warn(`stopping the server: ${error.message}`));
    await client?.dispose().catch(() => undefined);
  }

  private async start(): Promise<void> {
    const server = await findServer(this.context);
    if (!server.found) return this.sayMissing(server.why);
    this.log.info(`server: ${server.command} ${server.version} (${server.why})`);
    const client = this.createClient(server.command);
    this.client = client;
    try {
      await client.start();
      this.started.fire(client);
    } catch (error) {
      this.crashed(`halfwatt ${server.version} did not start: ${(error as Error).message}`);
    }
  }

  private createClient(command: string): LanguageClient {
    const client = new LanguageClient(
      'halfwatt',
      'halfwatt',
      { command, args: ['lsp'] },
      {
        documentSelector: LANGUAGES.flatMap((language) => ['file', 'untitled', 'vscode-notebook-cell'].map((scheme) => ({ scheme, language }))),
        outputChannel: this.log,
        revealOutputChannelOn: RevealOutputChannelOn.Never,
        initializationOptions: { editor: 'vscode' },
        errorHandler: this.errorHandler(),
        initializationFailedHandler: () => false,
        middleware: {
          provideInlineCompletionItems: (document, position, context, token, next) =>
            vscode.workspace.getConfiguration('halfwatt', document).get('inlineCompletion.enabled', true)
              ? next(document, position, context, token)
              : [],
        },
      },
    );
    client.registerFeature(abilities);
    return client;
  }

  /** A closed connection never restarts by itself: `crashed` decides, so that two restarts cannot overlap. */
  private errorHandler(): ErrorHandler {
    return {
      error: () => ({ action: ErrorAction.Continue }),
      closed: () => {
        this.crashed('The halfwatt language server ended unexpectedly');
        return { action: CloseAction.DoNotRestart, handled: true };
      },
    };
  }

  private crashed(what: string): void {
    const now = Date.now();
    this.crashes = [...this.crashes.filter((at) => now - at < CRASH_WINDOW_MS), now];
    if (this.crashes.length >= CRASHES_BEFORE_GIVING_UP) {
      this.crashes = [];
      void this.sayGivenUp(what);
      return;
    }
    const delay_ms = 500 * 2 ** (this.crashes.length - 1);
    this.log.error(`${what}; starting it again in ${delay_ms} ms`);
    this.trouble.fire(`${what}; it is being started again`);
    this.timer = setTimeout(() => void this.restart(), delay_ms);
  }

  private async sayGivenUp(what: string): Promise<void> {
    const text = `${what} ${CRASHES_BEFORE_GIVING_UP} times within three minutes, so it was left off. Your files are unchanged.`;
    this.trouble.fire(text);
    const choice = await vscode.window.showErrorMessage(text, 'Start again', 'Show log');
    if (choice === 'Start again') await this.restart();
    if (choice === 'Show log') this.log.show();
  }

  private sayMissing(why: string): void {
    const text = `halfwatt's language server was not found: ${why}.`;
    this.log.warn(text);
    this.trouble.fire(text);
    const buttons = ['Install halfwatt', 'Choose a path'] as const;
    void vscode.window.showWarningMessage(text, ...buttons).then((choice) => {
      if (choice === 'Install halfwatt') void this.install();
      if (choice === 'Choose a path') void vscode.commands.executeCommand('workbench.action.openSettings', 'halfwatt.server.path');
    });
  }
}

const abilities: StaticFeature = {
  fillClientCapabilities(capabilities) {
    const experimental = (capabilities.experimental ??= {}) as Record<string, unknown>;
    experimental['halfwatt'] = ABILITIES;
  },
  initialize: () => undefined,
  getState: () => ({ kind: 'static' }),
  clear: () => undefined,
};
