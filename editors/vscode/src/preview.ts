/** A generation as the user sees it: progress with cancel, a mark at the function, the growing text beside it. Types nothing. */
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { Ask, DeltaNote } from './protocol';
import { Pages } from './pages';

const OVER: ReadonlySet<string> = new Set(['applied', 'failed', 'cancelled']);

interface Job {
  id: string;
  report: (message: string) => void;
  end: () => void;
  page: vscode.Uri | undefined;
  mark: vscode.TextEditorDecorationType | undefined;
  waits: boolean;
}

export class Preview implements vscode.Disposable, vscode.CodeLensProvider {
  private readonly jobs = new Map<string, Job>();
  private readonly ended = new Set<string>(); // the last delta may overtake the answer that names the job
  private readonly lensesChanged = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.lensesChanged.event;
  private readonly parts = [
    this.lensesChanged,
    vscode.languages.registerCodeLensProvider({ scheme: Pages.scheme }, this),
    vscode.workspace.onDidChangeTextDocument(({ document }) => this.scrollToEnd(document)),
  ];

  constructor(
    private readonly pages: Pages,
    private readonly ask: Ask,
  ) {}

  /** The job begun last of those that run or wait for review. */
  get current(): string | undefined {
    return [...this.jobs.keys()].at(-1);
  }

  begin(id: string): Job | undefined {
    if (this.ended.has(id)) return undefined;
    const known = this.jobs.get(id);
    if (known) return known;
    const job: Job = { id, report: () => undefined, end: () => undefined, page: undefined, mark: undefined, waits: false };
    this.jobs.set(id, job);
    this.showProgress(job);
    this.setContext();
    return job;
  }

  update(note: DeltaNote): void {
    if (OVER.has(note.state)) return this.end(note.job);
    const job = this.begin(note.job);
    if (!job) return;
    const uri = vscode.Uri.parse(note.uri, true);
    if (note.message) job.report(note.message);
    if (note.state === 'ready' && !job.waits) this.waitForReview(job);
    this.markOnce(job, uri, note);
    if (note.text) this.showText(job, uri, note);
  }

  /** Forget everything: the server has gone, and its jobs with it. */
  clear(): void {
    for (const id of [...this.jobs.keys()]) this.end(id);
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const job = [...this.jobs.values()].find(({ page }) => page?.toString() === document.uri.toString());
    if (!job) return [];
    const top = new vscode.Range(0, 0, 0, 0);
    const reject = new vscode.CodeLens(top, { title: `$(close)\u00a0${job.waits ? 'Reject' : 'Cancel'} (Escape)`, command: 'halfwatt.rejectPreview' });
    if (!job.waits) return [reject];
    return [new vscode.CodeLens(top, { title: '$(check)\u00a0Accept (Ctrl+Enter)', command: 'halfwatt.acceptPreview' }), reject];
  }

  dispose(): void {
    this.clear();
    for (const part of this.parts) part.dispose();
  }

  private showProgress(job: Job): void {
    const options = { location: vscode.ProgressLocation.Notification, title: 'halfwatt', cancellable: true };
    void vscode.window.withProgress(options, (progress, token) => {
      progress.report({ message: 'generating' });
      job.report = (message) => progress.report({ message });
      token.onCancellationRequested(() => void this.ask('halfwatt.cancel', { job: job.id }));
      return new Promise<void>((resolve) => (job.end = resolve));
    });
  }

  /** The editor moves the mark along with the text, so its place is set once. */
  private markOnce(job: Job, uri: vscode.Uri, note: DeltaNote): void {
    const editor = vscode.window.visibleTextEditors.find(({ document }) => document.uri.toString() === uri.toString());
    if (job.mark || !editor) return;
    const words = note.state === 'ready' ? 'Ctrl+Enter accepts, Escape rejects' : 'halfwatt: Escape cancels';
    job.mark = vscode.window.createTextEditorDecorationType({
      after: { contentText: words, margin: '0 0 0 2em', fontStyle: 'italic', color: new vscode.ThemeColor('editorCodeLens.foreground') },
    });
    const end = editor.document.validatePosition(new vscode.Position(note.range.end.line, Number.MAX_SAFE_INTEGER));
    editor.setDecorations(job.mark, [new vscode.Range(end, end)]);
  }

  private showText(job: Job, uri: vscode.Uri, note: DeltaNote): void {
    const text = note.text.replace(/\r\n/g, '\n');
    const name = `Preview: ${path.posix.basename(uri.path)}`;
    if (job.page) {
      this.pages.set(name, text);
      return;
    }
    const source = vscode.workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
    const wanted = vscode.workspace.getConfiguration('halfwatt').get('generate.livePreview', true) || note.state === 'ready';
    if (!wanted) return;
    job.page = this.pages.set(name, text);
    void this.pages.show(job.page, source?.languageId ?? 'plaintext').then(() => {
      if (!this.jobs.has(job.id) && job.page) void this.pages.close(job.page);
    });
  }

  private waitForReview(job: Job): void {
    job.waits = true;
    job.mark?.dispose(); // it says what to press, which is something else now
    job.mark = undefined;
    job.report('ready: Ctrl+Enter accepts, Escape rejects');
    this.setContext();
    this.lensesChanged.fire();
  }

  private scrollToEnd(document: vscode.TextDocument): void {
    if (document.uri.scheme !== Pages.scheme) return;
    const end = document.lineAt(document.lineCount - 1).range;
    for (const editor of vscode.window.visibleTextEditors) {
      if (editor.document === document) editor.revealRange(end);
    }
  }

  private end(id: string): void {
    this.ended.add(id);
    const job = this.jobs.get(id);
    this.jobs.delete(id);
    job?.end();
    job?.mark?.dispose();
    if (job?.page) void this.pages.close(job.page);
    this.setContext();
  }

  private setContext(): void {
    const jobs = [...this.jobs.values()];
    void vscode.commands.executeCommand('setContext', 'halfwatt.generating', jobs.length > 0);
    void vscode.commands.executeCommand('setContext', 'halfwatt.reviewing', jobs.some(({ waits }) => waits));
  }
}
