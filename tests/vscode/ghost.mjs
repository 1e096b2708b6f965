// Ghost text: shown, accepted, accepted by word, dismissed, and counted.
import assert from 'node:assert/strict';
import { eventually, MODEL_LIMIT_MS } from './workbench.mjs';

const ROW = 3;
const BEFORE = 'class Point:\n    def __init__(self, x, y):\n        ';
const AFTER = '\n\n    def norm(self):\n        return self.x + self.y\n';

export const rules = {
  'ghost text is shown while typing and accepted by Tab': async (workbench) => {
    const offered = await suggest(workbench, 'ghost.py');
    await workbench.screenshots('ghost');
    await workbench.page.keyboard.press('Tab');
    const taken = await savedInsertion(workbench, 'ghost.py');
    assert.ok(taken.startsWith(offered), `${taken} was offered as ${offered}`);
  },

  'ghost text is accepted word by word': async (workbench) => {
    const offered = await suggest(workbench, 'words.py', 'by hand');
    await workbench.page.keyboard.press('Control+ArrowRight');
    await workbench.page.keyboard.press('Escape');
    const taken = await savedInsertion(workbench, 'words.py');
    assert.ok(taken !== '' && taken !== offered && offered.startsWith(taken), `${taken} of ${offered}`);
  },

  'ghost text is accepted by its first line': async (workbench) => {
    const offered = await suggest(workbench, 'lines.py', 'by hand');
    await workbench.page.keyboard.press('Control+ArrowDown');
    await workbench.page.keyboard.press('Escape');
    assert.equal((await savedInsertion(workbench, 'lines.py')).trimEnd(), offered);
  },

  'ghost text is dismissed by escape and leaves nothing': async (workbench) => {
    await suggest(workbench, 'dismissed.py', 'by hand');
    await workbench.page.keyboard.press('Escape');
    assert.equal(await savedInsertion(workbench, 'dismissed.py'), '');
  },

  'accepted and offered suggestions are in the ledger': async (_, instance) => {
    await eventually('outcomes are booked', async () => {
      const rows = instance.halfwatt('energy', 'export', '--csv');
      assert.match(rows, /accepted/);
    });
  },
};

/** Type one key where something is missing; the suggestion's first line. By hand it comes even where it seems unlikely. */
async function suggest(workbench, name, by_hand) {
  await workbench.write(name, BEFORE.slice(0, -1) + AFTER);
  await workbench.goTo(ROW);
  await workbench.page.keyboard.type(BEFORE.slice(-1));
  if (by_hand) await workbench.page.keyboard.press('Alt+\\');
  await workbench.ghost().waitFor({ timeout: MODEL_LIMIT_MS });
  return (await workbench.text(workbench.editor(name))).split('\n')[ROW - 1].trim(); // drawn behind what is typed
}

/** What stands between the texts that were there before, once nothing is offered any more. */
async function savedInsertion(workbench, name) {
  await workbench.ghost().waitFor({ state: 'detached' });
  await workbench.save(name);
  const text = workbench.onDisk(name);
  assert.ok(text.startsWith(BEFORE) && text.endsWith(AFTER), text);
  return text.slice(BEFORE.length, text.length - AFTER.length);
}
