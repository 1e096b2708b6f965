// Generating functions: by lightbulb, command and quick fix; preview, cancel, typing meanwhile, undo, review.
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { withHeldModel } from './process.mjs';
import { MODEL_LIMIT_MS } from './workbench.mjs';

const AREA = 'import math\n\n\ndef area(radius: float) -> float:\n    """Return the area of a circle."""\n    pass\n\n\nprint(area(2))\n';
// asks for many lines, so that there is time to look, type and cancel
const LONG = `def month_name(number: int) -> str:
    """Return the English name of a month, by one if statement per month."""
    pass


print(month_name(4))
`;

export const rules = {
  'lightbulb generates a Python function, and one undo takes it back': async (workbench) => {
    await workbench.write('shapes.py', AREA);
    await workbench.goTo(4);
    await workbench.codeAction("Generate function 'area'", 'code-action');
    await workbench.shows('shapes.py', /return .*radius/);
    await workbench.save('shapes.py');
    const made = workbench.onDisk('shapes.py');
    assert.ok(made.startsWith(AREA.slice(0, AREA.indexOf('    pass'))), made);
    assert.ok(made.endsWith('\n\n\nprint(area(2))\n'), made);
    await workbench.page.keyboard.press('Control+z');
    await workbench.shows('shapes.py', /pass/, 10_000);
    await workbench.save('shapes.py');
    assert.equal(workbench.onDisk('shapes.py'), AREA);
  },

  'the Refactor menu offers it, too': async (workbench) => {
    await workbench.write('menu.py', AREA);
    await workbench.goTo(4);
    await workbench.command('Refactor...');
    await workbench.page.locator('.action-widget .monaco-list-row.action', { hasText: "Generate function 'area'" }).waitFor();
    await workbench.page.keyboard.press('Escape');
  },

  'command generates a TypeScript function': async (workbench) => {
    const stub = '/** The sum of the numbers. */\nexport function total(numbers: number[]): number {\n  throw new Error("not implemented");\n}\n';
    await workbench.write('sums.ts', stub);
    await workbench.goTo(2);
    await workbench.command('halfwatt: Generate Function');
    await workbench.shows('sums.ts', /return/);
    await workbench.save('sums.ts');
    assert.match(workbench.onDisk('sums.ts'), /^\/\*\* The sum of the numbers\. \*\/\nexport function total\(numbers: number\[\]\): number \{\n[^]*return[^]*\n\}\n$/);
  },

  'preview grows beside the file, which stays as it is until the end': async (workbench, instance) => {
    await workbench.write('long.py', LONG);
    await workbench.goTo(1);
    await withHeldModel(instance, async ({ crawlUntil, release }) => {
      await workbench.codeAction("Generate function 'month_name'");
      await crawlUntil(async () => (await workbench.previewText()).split('\n').length > 5);
      assert.equal(await workbench.isDirty('long.py'), false);
      await workbench.notification('halfwatt').waitFor();
      await workbench.screenshots('preview');
      release();
      await workbench.shows('long.py', /return/);
    });
    await workbench.previewIsGone();
    await workbench.screenshots('applied');
  },

  'escape cancels and leaves the file untouched byte for byte': async (workbench, instance) => {
    const bytes = Buffer.from(`\ufeff${LONG}`.replaceAll('\n', '\r\n'));
    writeFileSync(workbench.file('windows.py'), bytes);
    await workbench.openFile('windows.py');
    await workbench.goTo(1);
    await withHeldModel(instance, async ({ crawlUntil }) => {
      await workbench.codeAction("Generate function 'month_name'");
      await crawlUntil(async () => (await workbench.previewText()) !== '');
      await workbench.page.keyboard.press('Escape');
      await workbench.previewIsGone();
    });
    await workbench.notification('generating').waitFor({ state: 'detached' });
    assert.equal(await workbench.isDirty('windows.py'), false);
    assert.ok(readFileSync(workbench.file('windows.py')).equals(bytes));
    assert.match(await workbench.text(workbench.editor('windows.py')), /pass/);
  },

  'the cancel button of the progress cancels': async (workbench, instance) => {
    await workbench.write('button.py', LONG);
    await workbench.goTo(1);
    await withHeldModel(instance, async () => {
      await workbench.codeAction("Generate function 'month_name'");
      const progress = workbench.notification('halfwatt');
      await progress.getByRole('button', { name: 'Cancel' }).click();
      await progress.waitFor({ state: 'detached' });
    });
    await workbench.previewIsGone();
    assert.equal(await workbench.isDirty('button.py'), false);
    assert.equal(workbench.onDisk('button.py'), LONG);
  },

  'typing elsewhere during generation is kept': async (workbench, instance) => {
    await workbench.write('typing.py', LONG);
    await workbench.goTo(1);
    await withHeldModel(instance, async ({ crawlUntil, release }) => {
      await workbench.codeAction("Generate function 'month_name'");
      await crawlUntil(async () => (await workbench.previewText()) !== '');
      await workbench.goTo(6);
      await workbench.page.keyboard.type('  # typed meanwhile');
      await workbench.page.keyboard.press('Control+Home');
      await workbench.page.keyboard.type('VERSION = 7\n');
      release();
      await workbench.shows('typing.py', /return/);
    });
    await workbench.save('typing.py');
    assert.match(workbench.onDisk('typing.py'), /^VERSION = 7\ndef month_name[^]*return[^]*print\(month_name\(4\)\)  # typed meanwhile\n$/);
  },

  'quick fix makes the function that a Python call misses': async (workbench) => {
    await workbench.write('calls.py', 'words = ["a", "b"]\nprint(join_words(words))\n');
    await workbench.goTo(2);
    await workbench.page.keyboard.press('ArrowLeft');
    await workbench.page.keyboard.press('ArrowLeft');
    await workbench.codeAction("Generate function 'join_words'");
    await workbench.shows('calls.py', /def join_words/);
  },

  'quick fix makes the function that TypeScript misses': async (workbench) => {
    await workbench.write('missing.ts', 'const words = ["a", "b"];\nconsole.log(joinWords(words));\nexport {};\n');
    await workbench.goTo(2);
    for (let step = 0; step < 4; step++) await workbench.page.keyboard.press('ArrowLeft');
    await workbench.codeAction("Generate function 'joinWords'");
    await workbench.shows('missing.ts', /function joinWords|const joinWords/);
  },

  'a reviewed function waits until it is accepted, and escape rejects it': async (workbench) => {
    const stub = '/** Returns the larger of two numbers. */\nfunction larger(a, b) {\n}\n';
    await workbench.write('review.js', stub);
    await workbench.goTo(2);
    const accept = workbench.preview().locator('.codelens-decoration a', { hasText: 'Accept' });
    await workbench.codeAction("Generate function 'larger'");
    await accept.waitFor({ timeout: MODEL_LIMIT_MS });
    assert.equal(await workbench.isDirty('review.js'), false);
    await workbench.screenshots('review');
    await workbench.page.keyboard.press('Escape');
    await workbench.previewIsGone();
    assert.equal(workbench.onDisk('review.js'), stub);
    await workbench.codeAction("Generate function 'larger'");
    await accept.waitFor({ timeout: MODEL_LIMIT_MS });
    await workbench.page.keyboard.press('Control+Enter');
    await workbench.shows('review.js', /return/);
  },

  'a read-only file is left alone with a reason': async (workbench) => {
    writeFileSync(workbench.file('locked.py'), AREA);
    chmodSync(workbench.file('locked.py'), 0o444);
    await workbench.openFile('locked.py');
    await workbench.goTo(4);
    await workbench.command('halfwatt: Generate Function');
    await workbench.notification('locked.py is read-only').waitFor();
    assert.equal(await workbench.isDirty('locked.py'), false);
    await workbench.clearNotifications();
  },

  'a place without a stub gets a sentence': async (workbench) => {
    await workbench.write('plain.py', 'x = 1\n');
    await workbench.command('halfwatt: Generate Function');
    await workbench.notification('no function stub').waitFor();
    await workbench.clearNotifications();
  },
};
