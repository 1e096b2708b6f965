/** Stand in for two files of the client in the bundle: our server asks neither for notebooks as a whole (each cell is a document of its own) nor for file operations. */
class Unused {
  static readonly CellScheme = 'vscode-notebook-cell';
  fillClientCapabilities(): void {}
  initialize(): void {}
  clear(): void {}
  getState(): { kind: 'static' } {
    return { kind: 'static' };
  }
}

export {
  Unused as DidCreateFilesFeature,
  Unused as DidDeleteFilesFeature,
  Unused as DidRenameFilesFeature,
  Unused as NotebookDocumentSyncFeature,
  Unused as WillCreateFilesFeature,
  Unused as WillDeleteFilesFeature,
  Unused as WillRenameFilesFeature,
};
