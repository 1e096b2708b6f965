// One window with the daemon and the real small model; a second real server stands in for a cloud.
import { startCloud } from './cloud.mjs';
import * as generate from './generate.mjs';
import * as ghost from './ghost.mjs';
import * as panel from './panel.mjs';

let cloud;

export const options = async ({ serverBin, modelsDir }) => {
  cloud = await startCloud(serverBin, modelsDir);
  return { config: cloud.config, env: cloud.env, settings: { '[javascript]': { 'halfwatt.generate.review': true } } };
};
export const cleanUp = () => cloud.stop();
export const rules = { ...generate.rules, ...panel.rules, ...ghost.rules };
