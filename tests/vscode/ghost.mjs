// Ghost text: shown, accepted, accepted by word, dismissed, and counted.
import assert from 'node:assert/strict';
import { eventually, MODEL_LIMIT_MS } from './workbench.mjs';

const ROW = 3;
const CLASS = 'class Point:\n    def __init__(self, x, y):\n       \n\n    def norm(self):\n        return self.x + self.y\n';
const TYPED = CLASS.replace('       \n', '        \n');

export const rules = {
  'ghost text is shown while typing and accepted by Tab': async (workbench) => {
    await suggest(workbench, 'ghost.py');
    await workbench.screenshots('ghost');
    await workbench.page.keyboard.press('Tab');
    await workbench.ghost().waitFor({ state: 'detached' });
    await workbench.save('ghost.py');
    assert.match(workbench.onDisk('ghost.py'), /y\):\n        self\.x = x\n[^]*def norm/);
  },

  'ghost text is accepted word by word': async (workbench) => {
    await suggest(workbench, 'words.py');
    await workbench.page.keyboard.press('Control+ArrowRight');
    await workbench.page.keyboard.press('Escape');
    await workbench.ghost().waitFor({ state: 'detached' });
    await workbench.save('words.py');
    assert.match(workbench.onDisk('words.py'), /y\):\n        self\.?\n\n    def norm/);
  },

  'ghost text is dismissed by escape and leaves nothing': async (workbench) => {
    await suggest(workbench, 'dismissed.py');
    await workbench.page.keyboard.press('Escape');
    await workbench.ghost().waitFor({ state: 'detached' });
    await workbench.save('dismissed.py');
    assert.equal(workbench.onDisk('dismissed.py'), TYPED);
  },

  'accepted and offered suggestions are in the ledger': async (_, instance) => {
    await eventually('outcomes are booked', async () => {
      const rows = instance.halfwatt('energy', 'export', '--csv');
      assert.match(rows, /accepted/);
    });
  },
};

/** Type one key where the rest is obvious, and wait for the suggestion. */
async function suggest(workbench, name) {
  await workbench.write(name, CLASS);
  await workbench.goTo(ROW);
  await workbench.page.keyboard.type(' ');
  await workbench.ghost().waitFor({ timeout: MODEL_LIMIT_MS });
}
