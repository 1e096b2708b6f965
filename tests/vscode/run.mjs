// Drives the extension in a real VS Code with the real daemon and model: `node tests/vscode/run.mjs [--only TEXT] [--stop] [--bench]`;
// --stop ends a group at its first failure.
// Set up by `make test-editors`, which gives CODE_SERVER, VSIX, SERVER_BIN, MODELS_DIR and SHOTS.
import { install } from './install.mjs';
import { startInstance } from './instance.mjs';
import * as withModel from './with_model.mjs';
import * as withoutModel from './without_model.mjs';
import * as withoutServer from './without_server.mjs';
import { openBrowser, Workbench } from './workbench.mjs';

const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1] : '';
const env = (name) => process.env[name] ?? fail(`${name} is not set: run make test-editors`);
const setUp = { codeServer: env('CODE_SERVER'), vsix: env('VSIX'), serverBin: env('SERVER_BIN'), modelsDir: env('MODELS_DIR') };
const shots = env('SHOTS');
let passed = 0;
let failed = 0;

install(setUp.codeServer);
const browser = await openBrowser();
for (const group of [withoutServer, withoutModel, withModel]) {
  const rules = Object.entries(group.rules).filter(([name]) => name.includes(only));
  if (rules.length > 0) await runGroup(group, rules);
}
await browser.close();
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

async function runGroup(group, rules) {
  const instance = await startInstance({ ...setUp, ...(await group.options?.(setUp)) });
  const workbench = await Workbench.open(browser, instance, shots);
  try {
    for (const [name, rule] of rules) {
      await runRule(name, rule, workbench, instance);
      if (failed > 0 && process.argv.includes('--stop')) break;
    }
  } finally {
    await workbench.close();
    await instance.end();
    await group.cleanUp?.();
  }
}

async function runRule(name, rule, workbench, instance) {
  const started = Date.now();
  try {
    await rule(workbench, instance);
    passed++;
    console.log(`ok      ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed++;
    await workbench.screenshot(`failed-${name.replaceAll(/\W+/g, '-')}`).catch(() => undefined);
    console.log(`FAILED  ${name}\n${error.stack}\nstatus: ${await workbench.status().getAttribute('aria-label').catch(() => 'gone')}\n${instance.logs()}`);
  }
}

function fail(text) {
  throw new Error(text);
}
