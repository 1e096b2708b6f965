/** Read-only documents that exist in the editor only: previews, diffs and answers. Closing one asks nothing and saves nothing. */
import * as vscode from 'vscode';

export class Pages implements vscode.TextDocumentContentProvider, vscode.Disposable {
  static readonly scheme = 'halfwatt';
  private readonly texts = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly parts = [
    this.changed,
    vscode.workspace.registerTextDocumentContentProvider(Pages.scheme, this),
    vscode.workspace.onDidCloseTextDocument(({ uri }) => this.texts.delete(uri.toString())),
  ];

  /** Make or change a page; its name is the title of its tab. */
  set(name: string, text: string): vscode.Uri {
    const uri = vscode.Uri.from({ scheme: Pages.scheme, path: `/${name.replaceAll('/', '∕')}` });
    this.texts.set(uri.toString(), text);
    this.changed.fire(uri);
    return uri;
  }

  /** Show a page beside the code without taking the keyboard from it. */
  async show(uri: vscode.Uri, language: string): Promise<void> {
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.languages.setTextDocumentLanguage(document, language);
    const shown = vscode.window.visibleTextEditors.find((editor) => editor.document === document);
    const viewColumn = shown?.viewColumn ?? vscode.ViewColumn.Beside;
    await vscode.window.showTextDocument(document, { viewColumn, preserveFocus: true, preview: true });
  }

  /** Show Markdown as text, less its stars: the rendered preview would take the keyboard, and open once more each time. */
  async showMarkdown(name: string, text: string): Promise<void> {
    await this.show(this.set(name, `# ${name}\n\n${text.replaceAll('**', '')}\n`), 'markdown');
  }

  async close(uri: vscode.Uri): Promise<void> {
    const tabs = vscode.window.tabGroups.all.flatMap((group) => group.tabs);
    const ours = tabs.filter(({ input }) => input instanceof vscode.TabInputText && input.uri.toString() === uri.toString());
    if (ours.length > 0) await vscode.window.tabGroups.close(ours, true);
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? '';
  }

  dispose(): void {
    for (const part of this.parts) part.dispose();
  }
}
