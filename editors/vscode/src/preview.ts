/** The live preview of a generation: the text so far after its stub, drawn, not typed. The file stays as it is. */
import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import type { DeltaNote, DiffNote } from './protocol';

const MAX_LINES = 40;

export class Preview implements vscode.Disposable, vscode.TextDocumentContentProvider {
  static readonly scheme = 'halfwatt-diff';
  private readonly style = vscode.window.createTextEditorDecorationType({
    after: {
      color: new vscode.ThemeColor('editorGhostText.foreground'),
      textDecoration: 'none; white-space: pre; display: block; font-style: italic;',
    },
  });
  private readonly provider = vscode.workspace.registerTextDocumentContentProvider(Preview.scheme, this);
  private readonly diffs = new Map<string, string>();
  private job: string | undefined;

  /** The job that is running or waits for review. */
  get current(): string | undefined {
    return this.job;
  }

  update(client: LanguageClient, note: DeltaNote): void {
    const over = note.state === 'applied' || note.state === 'failed' || note.state === 'cancelled';
    this.job = over ? undefined : note.job;
    void vscode.commands.executeCommand('setContext', 'halfwatt.generating', !over);
    void vscode.commands.executeCommand('setContext', 'halfwatt.reviewing', note.state === 'ready');
    const range = client.protocol2CodeConverter.asRange(note.range);
    for (const editor of vscode.window.visibleTextEditors) {
      if (editor.document.uri.toString() === vscode.Uri.parse(note.uri).toString()) {
        editor.setDecorations(this.style, over ? [] : decorations(note, range));
      }
    }
  }

  clear(): void {
    this.job = undefined;
    void vscode.commands.executeCommand('setContext', 'halfwatt.generating', false);
    void vscode.commands.executeCommand('setContext', 'halfwatt.reviewing', false);
    for (const editor of vscode.window.visibleTextEditors) editor.setDecorations(this.style, []);
  }

  async showDiff(note: DiffNote): Promise<void> {
    const uri = vscode.Uri.from({ scheme: Preview.scheme, path: `/${note.title}.diff`, query: note.uri });
    this.diffs.set(uri.toString(), note.text);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { viewColumn: vscode.ViewColumn.Beside, preview: true, preserveFocus: true });
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.diffs.get(uri.toString()) ?? '';
  }

  dispose(): void {
    this.style.dispose();
    this.provider.dispose();
  }
}

/** One decoration carries the whole text: CSS `content` shows line breaks as `\a` when white space is kept. */
function decorations(note: DeltaNote, range: vscode.Range): vscode.DecorationOptions[] {
  const lines = note.text.split(/\r?\n/);
  const shown = lines.slice(-MAX_LINES).join('\n');
  const head = note.state === 'ready' ? 'halfwatt: Ctrl+Enter accepts, Escape rejects\n' : 'halfwatt is writing; Escape cancels\n';
  const end = new vscode.Range(range.end, range.end);
  return [{ range: end, renderOptions: { after: { contentText: head + shown } } }];
}
