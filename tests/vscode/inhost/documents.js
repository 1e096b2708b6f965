// Documents of every awkward kind: each is generated into, or left as it was with a sentence that says why.
const assert = require('node:assert/strict');
const { mkdtempSync, readFileSync, writeFileSync } = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const vscode = require('vscode');

const say = (text) => console.log(`[test] ${text}`); // the extension host says much else

const LIMIT_MS = 150_000;
const ADD = 'def add(a: int, b: int) -> int:\n    """Return a plus b."""\n    pass\n';
const folder = () => vscode.workspace.workspaceFolders[0].uri.fsPath;

exports.run = async () => {
  await vscode.extensions.getExtension('halfwatt.halfwatt').activate();
  await vscode.extensions.getExtension('halfwatt.halfwatt').exports.ready_ms;
  const failures = [];
  for (const [name, rule] of Object.entries(RULES)) {
    try {
      await rule();
      say(`ok      ${name}`);
    } catch (error) {
      failures.push(name);
      say(`FAILED  ${name}\n${error.stack}`);
    }
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  }
  if (failures.length > 0) throw new Error(`${failures.length} of ${Object.keys(RULES).length} failed`);
};

const RULES = {
  'CRLF line ends are kept': () => filled('crlf.py', ADD.replaceAll('\n', '\r\n'), (text) => assert.doesNotMatch(text, /[^\r]\n/)),
  'tabs stay tabs': () => filled('tabs.py', 'class A:\n\tdef add(self, a, b):\n\t\t"""Return a plus b."""\n\t\tpass\n', (text) => assert.match(text, /\n\t\treturn/)),
  'a decorated async method of a class is filled in place': () =>
    filled('method.py', 'class Sums:\n    @staticmethod\n    async def add(a, b):\n        """Return a plus b."""\n        ...\n', (text) => assert.match(text, /@staticmethod\n    async def add\(a, b\):\n        """Return a plus b."""\n        [^]*return/)),
  'a nested function is filled in place': () =>
    filled('nested.py', 'def outer(a):\n    def add(b):\n        """Return a plus b."""\n        pass\n\n    return add\n', (text) => assert.match(text, /"""\n        [^]*return[^]*\n\n    return add\n$/)),
  'a name that is not ASCII and has spaces': () => filled('größe der 名前.py', ADD, (text) => assert.match(text, /return/)),
  'text before the function that takes two code units a character': () => filled('emoji.py', `# 𝒳🙂 é\n${ADD}`, (text) => assert.match(text, /^# 𝒳🙂 é\ndef add[^]*return/)),
  'a file outside the workspace': () => filled(path.join(mkdtempSync(path.join(os.tmpdir(), 'halfwatt out ')), 'away.py'), ADD, (text) => assert.match(text, /return/)),
  'an untitled document': async () => {
    const document = await vscode.workspace.openTextDocument({ language: 'python', content: ADD });
    await generated(document);
    assert.match(document.getText(), /return/);
  },
  'a cell of a notebook': async () => {
    const cell = { cell_type: 'code', metadata: {}, source: [ADD], outputs: [], execution_count: null };
    const metadata = { language_info: { name: 'python' } };
    writeFileSync(path.join(folder(), 'cells.ipynb'), JSON.stringify({ cells: [cell], metadata, nbformat: 4, nbformat_minor: 5 }));
    const notebook = await vscode.workspace.openNotebookDocument(vscode.Uri.file(path.join(folder(), 'cells.ipynb')));
    await vscode.window.showNotebookDocument(notebook);
    const { document } = notebook.cellAt(0);
    await generated(document);
    assert.match(document.getText(), /return/);
  },
  'bytes that are not UTF-8 elsewhere in the file are kept': async () => {
    const file = path.join(folder(), 'latin.py');
    writeFileSync(file, Buffer.concat([Buffer.from(ADD), Buffer.from('\n# caf\xe9\n', 'latin1')]));
    const document = await vscode.workspace.openTextDocument(vscode.Uri.file(file), { encoding: 'iso88591' });
    await generated(document);
    assert.ok(await document.save());
    assert.ok(readFileSync(file).includes(Buffer.from('# caf\xe9\n', 'latin1')));
  },
  'a type stub file gets a reason': () => refused('types.pyi', 'def add(a: int, b: int) -> int: ...\n', /type stub/),
  'an overload gets a reason': () => refused('over.py', 'from typing import overload\n\n\n@overload\ndef add(a: int) -> int: ...\n', /overload|bod/, 4),
  'a huge file gets a reason': () => refused('huge.py', `${ADD}# ${'x'.repeat(1 << 20)}\n`, /larger than/),
  'binary text gets a reason': async () => {
    const document = await vscode.workspace.openTextDocument({ language: 'python', content: `${ADD}# \0\0\n` }); // a file VS Code itself refuses
    await assert.rejects(async () => ask(document, 0), /binary/);
  },
  'an empty file gets a reason': () => refused('empty.py', '', /no function stub/),
  'a language that is not known gets a reason': () => refused('notes.md', 'pass\n', /open|Known languages/),
};

async function open(name, text) {
  const file = path.resolve(folder(), name);
  writeFileSync(file, text);
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(file));
  await vscode.window.showTextDocument(document);
  return document;
}

const ask = (document, line) =>
  vscode.commands.executeCommand('halfwatt.generate', { uri: document.uri.toString(), position: { line, character: 0 }, route: 'local' });

/** Generate at the first `def` that is a stub and wait until the text arrives. */
async function generated(document) {
  const before = document.getText();
  const line = before.slice(0, before.lastIndexOf('def ')).split('\n').length - 1;
  const arrived = new Promise((resolve, reject) => {
    const listener = vscode.workspace.onDidChangeTextDocument((change) => change.document === document && change.contentChanges.length > 0 && done(resolve));
    const timer = setTimeout(() => done(() => reject(new Error('no text arrived'))), LIMIT_MS);
    const done = (how) => (clearTimeout(timer), listener.dispose(), how());
  });
  await ask(document, line);
  await arrived;
}

async function filled(name, text, check) {
  const document = await open(name, text);
  await generated(document);
  check(document.getText());
}

async function refused(name, text, reason, line = 0) {
  const document = await open(name, text);
  await assert.rejects(async () => ask(document, line), reason);
  assert.equal(document.getText(), text);
}
