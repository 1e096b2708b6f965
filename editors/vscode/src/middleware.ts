/** What is added between the editor and the server: settings of this editor, and a reason where a document cannot be changed. */
import { stat } from 'node:fs/promises';
import * as vscode from 'vscode';
import type { Middleware } from 'vscode-languageclient/node';
import type { GenerateArguments } from './protocol';

export function createMiddleware(onJob: (id: string) => void): Middleware {
  return {
    provideInlineCompletionItems: (document, position, context, token, next) =>
      vscode.workspace.getConfiguration('halfwatt', document).get('inlineCompletion.enabled', true) ? next(document, position, context, token) : [],
    // both the lightbulb and our own commands pass here
    executeCommand: async (command, args, next) => {
      if (command !== 'halfwatt.generate') return next(command, args);
      const given = args[0] as GenerateArguments;
      const uri = vscode.Uri.parse(given.uri, true);
      await refuseReadOnly(uri);
      const document = vscode.workspace.textDocuments.find((open) => open.uri.toString() === uri.toString());
      const review = vscode.workspace.getConfiguration('halfwatt', document ?? uri).get('generate.review', false);
      const answer = (await next(command, [{ review, ...given }])) as { job: string };
      onJob(answer.job);
      return answer;
    },
  };
}

async function refuseReadOnly(uri: vscode.Uri): Promise<void> {
  if (uri.scheme !== 'file') return;
  const readOnly = await stat(uri.fsPath).then(
    ({ mode }) => (mode & 0o222) === 0,
    () => false, // not on disk any more: the editor still holds its text
  );
  if (readOnly) throw new Error(`${vscode.workspace.asRelativePath(uri)} is read-only, so nothing was generated. Make it writable first.`);
}
