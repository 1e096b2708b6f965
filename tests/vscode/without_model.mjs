// A machine with halfwatt and no model yet: the extension offers to get one and shows how far it is.
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { daemon, withHeld } from './process.mjs';

const FILE = 'qwen2.5-coder-0.5b-instruct-q4_k_m.gguf';
const HUB_FOLDER = '.cache/huggingface/hub/models--Qwen--Qwen2.5-Coder-0.5B-Instruct-GGUF/snapshots/ebb2015119c907b064c512bf053e945850b5875f';

/** The model lies where the hub's own tools keep it, which is one of halfwatt's sources; nothing is downloaded. */
export const options = ({ modelsDir }) => ({
  modelsDir: '',
  config: '[local]\nmodel = "qwen2.5-coder-0.5b"\n',
  prepare: (home) => {
    mkdirSync(path.join(home, HUB_FOLDER), { recursive: true });
    symlinkSync(path.join(modelsDir, FILE), path.join(home, HUB_FOLDER, FILE));
  },
});

export const rules = {
  'without a model the status says so and one is offered': async (workbench) => {
    await workbench.write('shapes.py', 'def area(r):\n    """Area of a circle."""\n    pass\n');
    await workbench.statusShows(/no model yet/);
    await workbench.notification('halfwatt models pull').getByRole('button', { name: 'Get the Local Model' }).waitFor();
    await workbench.screenshots('no-model');
  },

  'the offer fetches the model with progress, and then it answers': async (workbench, instance) => {
    const progress = workbench.notification(/getting the local model|Fetching/);
    await withHeld(daemon(instance), async ({ crawlUntil }) => {
      await workbench.notification('halfwatt models pull').getByRole('button', { name: 'Get the Local Model' }).click();
      await workbench.page.mouse.move(600, 400); // its tooltip would hide the text
      await crawlUntil(async () => (await progress.count()) > 0 && /%/.test(await workbench.status().innerText()));
      await workbench.screenshots('model-progress');
    });
    await progress.waitFor({ state: 'detached', timeout: 120_000 });
    await workbench.goTo(1);
    await workbench.codeAction("Generate function 'area'");
    await workbench.shows('shapes.py', /return/);
    assert.doesNotMatch(await workbench.status().innerText(), /no model/);
  },
};
