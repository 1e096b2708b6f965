// Ghost text: shown, accepted, accepted by word, dismissed, silent while paused, and counted.
import assert from 'node:assert/strict';
import { eventually, MODEL_LIMIT_MS } from './workbench.mjs';

const START = 'def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n    return a - b\n\n\ndef multiply(a, b):\n';

export const rules = {
  'ghost text is shown while typing and accepted by Tab': async (workbench) => {
    await suggest(workbench, 'ghost.py');
    await workbench.screenshots('ghost');
    await workbench.page.keyboard.press('Tab');
    await workbench.shows('ghost.py', /return a \* b/);
    await workbench.save('ghost.py');
    assert.match(workbench.onDisk('ghost.py'), /def multiply\(a, b\):\n    return a \* b/);
  },

  'ghost text is accepted word by word': async (workbench) => {
    await suggest(workbench, 'words.py');
    await workbench.page.keyboard.press('Control+ArrowRight');
    await eventually('a word is taken', async () => assert.match(await workbench.text(workbench.editor('words.py')), /multiply\(a, b\):\n    return\b/));
    await workbench.page.keyboard.press('Escape');
    await workbench.ghost().waitFor({ state: 'detached' });
    await workbench.save('words.py');
    assert.doesNotMatch(workbench.onDisk('words.py'), /a \* b/);
  },

  'ghost text is dismissed by escape and leaves nothing': async (workbench) => {
    await suggest(workbench, 'dismissed.py');
    await workbench.page.keyboard.press('Escape');
    await workbench.ghost().waitFor({ state: 'detached' });
    await workbench.save('dismissed.py');
    assert.equal(workbench.onDisk('dismissed.py'), `${START}    re`);
  },

  'accepted and offered suggestions are in the ledger': async (_, instance) => {
    await eventually('outcomes are booked', async () => {
      const rows = instance.halfwatt('energy', 'export', '--csv');
      assert.match(rows, /accepted/);
    });
  },
};

/** Type the start of a line whose rest is obvious, and wait for the suggestion. */
async function suggest(workbench, name) {
  await workbench.write(name, START);
  await workbench.page.keyboard.press('Control+End');
  await workbench.page.keyboard.type('    re', { delay: 30 });
  await workbench.ghost().waitFor({ timeout: MODEL_LIMIT_MS });
}
