// Ghost text: shown, accepted, accepted by word, dismissed, and counted.
import assert from 'node:assert/strict';
import { eventually, MODEL_LIMIT_MS } from './workbench.mjs';

// where it is offered while typing, and where the model's line is a good one
const CLASS = { row: 3, before: 'class Point:\n    def __init__(self, x, y):\n        ', after: '\n\n    def norm(self):\n        return self.x + self.y\n' };
const LOOP = { row: 4, before: 'def total(xs):\n    result = 0\n    for x in xs:\n        ', after: '\n    return result\n' };

export const rules = {
  'ghost text is shown while typing and accepted by Tab': async (workbench) => {
    const offered = await suggest(workbench, 'ghost.py', CLASS);
    await workbench.page.keyboard.press('Tab');
    const taken = await savedInsertion(workbench, 'ghost.py', CLASS);
    assert.ok(taken.startsWith(offered), `${taken} was offered as ${offered}`);
  },

  'ghost text is accepted word by word': async (workbench) => {
    const offered = await suggest(workbench, 'words.py', LOOP, 'by hand');
    await workbench.screenshots('ghost');
    await workbench.page.keyboard.press('Control+ArrowRight');
    await workbench.page.keyboard.press('Escape');
    const taken = await savedInsertion(workbench, 'words.py', LOOP);
    assert.ok(taken !== '' && taken !== offered && offered.startsWith(taken), `${taken} of ${offered}`);
  },

  'ghost text is accepted by its first line': async (workbench) => {
    const offered = await suggest(workbench, 'lines.py', CLASS, 'by hand');
    await workbench.page.keyboard.press('Control+ArrowDown');
    await workbench.page.keyboard.press('Escape');
    assert.equal((await savedInsertion(workbench, 'lines.py', CLASS)).trimEnd(), offered);
  },

  'ghost text is dismissed by escape and leaves nothing': async (workbench) => {
    await suggest(workbench, 'dismissed.py', LOOP, 'by hand');
    await workbench.page.keyboard.press('Escape');
    assert.equal(await savedInsertion(workbench, 'dismissed.py', LOOP), '');
  },

  'accepted and offered suggestions are in the ledger': async (_, instance) => {
    await eventually('outcomes are booked', async () => {
      const rows = instance.halfwatt('energy', 'export', '--csv');
      assert.match(rows, /accepted/);
    });
  },
};

/** Type one key where something is missing; the suggestion's first line. By hand it comes even where it seems unlikely. */
async function suggest(workbench, name, { row, before, after }, by_hand) {
  await workbench.write(name, before.slice(0, -1) + after);
  await workbench.goTo(row);
  const { keyboard } = workbench.page;
  await keyboard.type(before.slice(-1));
  await eventually('something is suggested', async () => {
    if (by_hand) await keyboard.press('Alt+\\');
    try {
      await workbench.ghost().waitFor({ timeout: MODEL_LIMIT_MS / 3 });
    } catch (error) {
      if (!by_hand) await keyboard.press('Backspace').then(() => keyboard.type(before.slice(-1)));
      throw error;
    }
  }, MODEL_LIMIT_MS);
  return (await workbench.text(workbench.editor(name))).split('\n')[row - 1].trim(); // drawn behind what is typed
}

/** What stands between the texts that were there before, once nothing is offered any more. */
async function savedInsertion(workbench, name, { before, after }) {
  await workbench.ghost().waitFor({ state: 'detached' });
  await workbench.save(name);
  const text = workbench.onDisk(name);
  assert.ok(text.startsWith(before) && text.endsWith(after), text);
  return text.slice(before.length, text.length - after.length);
}
