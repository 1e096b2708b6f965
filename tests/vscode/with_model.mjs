// One window with the daemon and the real small model; a second real server stands in for a cloud.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { startCloud } from './cloud.mjs';
import * as generate from './generate.mjs';
import * as ghost from './ghost.mjs';
import * as panel from './panel.mjs';

let cloud;

// the suggestion's time box is for people; here the machine may be busy with other tests
const TIME_BOX_MS = '90000';

export const options = async ({ serverBin, modelsDir }) => {
  cloud = await startCloud(serverBin, modelsDir);
  return { config: cloud.config, env: { ...cloud.env, HALFWATT_COMPLETION_TIME_BOX_MS: TIME_BOX_MS }, settings: { '[javascript]': { 'halfwatt.generate.review': true } } };
};
/** Rules hold the process that runs the model, so it must run before the first of them. */
export const begin = (instance) => {
  const file = path.join(instance.workspace, 'first.py');
  writeFileSync(file, 'def add(a, b):\n    """Return a plus b."""\n    pass\n');
  instance.halfwatt('generate', `${file}:1`, '--route', 'local');
};
export const cleanUp = () => cloud.stop();
export const rules = { ...generate.rules, ...panel.rules, ...ghost.rules };
