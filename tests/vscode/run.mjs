// Drives the extension in a real VS Code with the real daemon and model. Set up by `make test-editors`, which gives
// CODE_SERVER, VSIX, SERVER_BIN, MODELS_DIR and SHOTS. `node tests/vscode/run.mjs [--only TEXT|TEXT…] [--stop] [--bench]`:
// only the rules with a TEXT in their name; stop a group at its first failure; print the figures and test nothing.
import { ARGUMENTS, runInHost } from './inhost.mjs';
import { install } from './install.mjs';
import { startInstance } from './instance.mjs';
import * as untrusted from './untrusted.mjs';
import * as withModel from './with_model.mjs';
import * as withoutModel from './without_model.mjs';
import * as withoutServer from './without_server.mjs';
import { openBrowser, Workbench } from './workbench.mjs';

const DOCUMENTS = 'documents of every awkward kind work or say why not';
const only = process.argv.includes('--only') ? process.argv[process.argv.indexOf('--only') + 1].split('|') : [''];
const isWanted = (name) => only.some((text) => name.includes(text));
const env = (name) => process.env[name] ?? fail(`${name} is not set: run make test-editors`);
const setUp = { codeServer: env('CODE_SERVER'), vsix: env('VSIX'), serverBin: env('SERVER_BIN'), modelsDir: env('MODELS_DIR') };
const shots = env('SHOTS');
let passed = 0;
let failed = 0;

install(setUp.codeServer);
const browser = await openBrowser();
if (process.argv.includes('--bench')) {
  await inHost('bench.js');
  for (let n = 0; n < 3; n++) await inHost('startup.js');
} else await runAll();
await browser.close();
process.exitCode = failed > 0 ? 1 : 0;

async function runAll() {
  for (const group of [withoutServer, untrusted, withoutModel, withModel]) {
    const rules = Object.entries(group.rules).filter(([name]) => isWanted(name));
    if (rules.length > 0) await runGroup(group, rules);
  }
  if (isWanted(DOCUMENTS)) count(DOCUMENTS, await inHost('documents.js'));
  console.log(`${passed} passed, ${failed} failed`);
}

async function runGroup(group, rules) {
  const instance = await startInstance({ ...setUp, ...(await group.options?.(setUp)) });
  group.begin?.(instance);
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
    count(`${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`, true);
  } catch (error) {
    count(name, false);
    await workbench.screenshot(`failed-${name.replaceAll(/\W+/g, '-')}`).catch(() => undefined);
    const status = await workbench.status().getAttribute('aria-label').catch(() => 'gone');
    console.log(`${error.stack}\nstatus: ${status}\n${instance.daemonLog()}`);
  }
}

async function inHost(module) {
  const instance = await startInstance({ ...setUp, config: '[local]\nmodel = "qwen2.5-coder-0.5b"\n', arguments: ARGUMENTS });
  try {
    return await runInHost(browser, instance, module);
  } finally {
    await instance.end();
  }
}

function count(name, is_passed) {
  if (is_passed) passed++;
  else failed++;
  console.log(`${is_passed ? 'ok     ' : 'FAILED '} ${name}`);
}

function fail(text) {
  throw new Error(text);
}
