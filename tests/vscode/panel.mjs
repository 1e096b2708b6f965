// What halfwatt says about itself: counter, why, menu, pause, dial, the cloud; and what it does when a process dies.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { daemon, find, languageServer } from './process.mjs';
import { eventually, MODEL_LIMIT_MS } from './workbench.mjs';

const STUB = (name) => `def ${name}(a: int, b: int) -> int:\n    """Return the ${name} of a and b."""\n    pass\n`;

export const rules = {
  'the counter changes after a request and is labelled': async (workbench) => {
    await workbench.write('sum.py', STUB('sum'));
    const before = await workbench.status().innerText();
    await generate(workbench, 'sum');
    await workbench.statusShows(/J saved \(estimated\)/);
    await eventually('the counter moves', async () => assert.notEqual(await workbench.status().innerText(), before));
    const tip = await workbench.tooltip();
    assert.match(tip, /Today: [\d.]+ k?J (measured|modelled|estimated)/);
    assert.match(tip, /saved against gpt-4o-mini, estimated/);
    await workbench.screenshots('counter');
    await workbench.goTo(1);
  },

  'why says tier, reason, joules with label and range, time, and the counterfactual': async (workbench) => {
    await pageShows(workbench, 'halfwatt: Why This Route?', [
      /local \(qwen2\.5-coder-0\.5b\): \S+/,
      /Energy: [\d.]+ k?J \([\d.]+ to [\d.]+\) (measured|modelled|estimated)/,
      /s in all/,
      /gpt-4o-mini/,
    ]);
    await workbench.screenshots('why');
  },

  'a document that exists in the editor only gets a reason': async (workbench) => {
    await workbench.preview().locator('.view-line').first().click();
    await workbench.command('halfwatt: Generate Function');
    await workbench.notification('cannot be changed from here').waitFor();
    await workbench.clearNotifications();
  },

  'the cloud is asked when it is chosen, and why says so': async (workbench) => {
    await generate(workbench, 'difference', 'halfwatt: Regenerate with the Cloud Model');
    await pageShows(workbench, 'halfwatt: Why This Route?', [/cloud \(stand-in-cloud\)/, /Energy: .* estimated/]);
  },

  'a generated function can be asked for again elsewhere': async (workbench) => {
    await generate(workbench, 'product', 'halfwatt: Regenerate Locally');
    await pageShows(workbench, 'halfwatt: Why This Route?', [/local \(/]);
    await workbench.command('halfwatt: Regenerate with the Cloud Model');
    await pageShows(workbench, 'halfwatt: Why This Route?', [/cloud \(stand-in-cloud\)/]);
  },

  'energy is a page': async (workbench) => {
    await pageShows(workbench, 'halfwatt: Show Energy', [/Since \d{4}-\d\d-\d\d: \d+ requests/, /cloud: [\d.]+ J/]);
    await workbench.closeEditors();
  },

  'doctor is a page': async (workbench) => {
    await pageShows(workbench, 'halfwatt: Run Doctor', [/keyring/i]);
    await workbench.closeEditors();
  },

  'the dashboard opens in a page of its own, behind the proxy of a VS Code in a browser, too': async (workbench, instance) => {
    const { port } = JSON.parse(readFileSync(path.join(instance.home, 'run', 'daemon.json'), 'utf8'));
    const opening = workbench.page.waitForEvent('popup');
    await workbench.command('halfwatt: Open Dashboard');
    const dashboard = await opening;
    await eventually('the page shows the ledger', async () => {
      assert.match(dashboard.url(), new RegExp(`/proxy/${port}/$`));
      assert.match(await dashboard.locator('#state').innerText({ timeout: 1000 }), /\d+ requests/);
      assert.match(await dashboard.locator('#tiles').innerText({ timeout: 1000 }), /Saved against gpt-4o-mini/);
    });
    assert.equal(await dashboard.evaluate(() => getComputedStyle(document.querySelector('.skip')).position), 'absolute'); // its style sheet, too
    await dashboard.close();
  },

  // the channel stays empty here: this VS Code has no native modules, one of which writes its log files
  'show logs opens the channel of the extension and the log of the daemon': async (workbench) => {
    await workbench.command('halfwatt: Show Logs');
    await workbench.shows('daemon.log', /"event":"listening on port \d+"/);
    const channel = workbench.page.locator('.part.panel select').first();
    await eventually('the channel is chosen', async () => assert.equal(await channel.evaluate((it) => it.selectedOptions[0].text), 'halfwatt'));
    await workbench.screenshots('logs');
    await workbench.command('View: Hide Panel');
    await channel.waitFor({ state: 'hidden' });
    await workbench.closeEditors();
  },

  'a cloud key goes to the server, and VS Code keeps none': async (workbench, instance) => {
    const key = 'planted-key-of-the-panel';
    const box = workbench.page.locator('.quick-input-widget input');
    await workbench.command('halfwatt: Set Cloud Key');
    await workbench.page.locator('.quick-input-widget', { hasText: 'Name of the key' }).waitFor();
    await box.fill('openai');
    await box.press('Enter');
    await workbench.page.locator('.quick-input-widget', { hasText: 'API key for openai' }).waitFor();
    assert.equal(await box.getAttribute('type'), 'password');
    await box.fill(key);
    await box.press('Enter');
    await workbench.notification('keyring').waitFor(); // there is none here, and the sentence says what to do
    await workbench.screenshots('key');
    const found = spawnSync('grep', ['-rl', key, instance.root], { encoding: 'utf8' });
    assert.equal(found.stdout, '');
    await workbench.clearNotifications();
  },

  'pause and resume by the menu': async (workbench) => {
    await menu(workbench, 'Pause');
    await workbench.statusShows(/paused/);
    await workbench.screenshots('paused');
    await menu(workbench, 'Resume');
    await workbench.statusShows(/saved/);
  },

  'the dial is set and kept': async (workbench, instance) => {
    await menu(workbench, 'Set the energy and quality dial');
    await workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: 'quality' }).first().click();
    const config = path.join(instance.home, 'config', 'config.toml');
    await eventually('the dial is in the settings', async () => assert.match(readFileSync(config, 'utf8'), /dial = "quality"/));
  },

  'offline mode and wrong settings are shown with the reason': async (workbench, instance) => {
    const config = path.join(instance.home, 'config', 'config.toml');
    const good = readFileSync(config, 'utf8');
    const change = async (text) => {
      writeFileSync(config, text);
      await workbench.command('halfwatt: Show Energy'); // the daemon looks at its settings when somebody asks
    };
    const says = (expected) => eventually(`the status says ${expected}`, async () => assert.match(await workbench.status().getAttribute('aria-label'), expected));
    await change(good.replace('[routing]', '[routing]\noffline = true'));
    await workbench.statusShows(/offline/);
    await says(/Offline mode: qwen2\.5-coder-0\.5b answers/);
    await change(`${good}\nnonsense =\n`);
    await says(/Until then the earlier settings stay in force/);
    await workbench.tooltip();
    await workbench.screenshots('warning');
    await change(good);
    await says(/Ready/);
    await workbench.closeEditors();
  },

  'discarding what was generated causes no error': async (workbench) => {
    await generate(workbench, 'maximum');
    await workbench.closeEditors();
    await workbench.command('halfwatt: Run Doctor'); // the server has served everything before it
    await workbench.preview().waitFor();
    await workbench.command('Notifications: Show Notifications');
    const center = workbench.page.locator('.notifications-center');
    await center.waitFor();
    assert.doesNotMatch(await center.innerText(), /Error/);
    await workbench.closeEditors();
  },

  'two windows, one with two folders, share one daemon': async (workbench, instance) => {
    const folders = [instance.workspace, path.join(instance.root, 'second')];
    mkdirSync(folders[1]);
    const file = path.join(instance.root, 'both.code-workspace');
    writeFileSync(file, JSON.stringify({ folders: folders.map((folder) => ({ path: folder })) }));
    const second = await workbench.another(`workspace=${encodeURIComponent(file)}`);
    try {
      await second.write('../second/window.py', STUB('window'));
      await second.statusShows(/saved/);
      await second.goTo(1);
      await second.codeAction("Generate function 'window'");
      await second.shows('window.py', /return/);
      assert.equal(find(instance, 'lsp').length, 2);
      assert.equal(find(instance, 'halfwatt.daemon.server').length, 1);
    } finally {
      await second.close();
    }
    await eventually('the second window has left', async () => assert.equal(find(instance, 'lsp').length, 1));
  },

  'a dead daemon is started again by the next request': async (workbench, instance) => {
    process.kill(daemon(instance), 'SIGKILL');
    await generate(workbench, 'quotient');
  },

  'a dead language server is started again and said so': async (workbench, instance) => {
    await workbench.write('crash.py', STUB('minimum'));
    await workbench.statusShows(/saved/);
    process.kill(languageServer(instance), 'SIGKILL');
    await workbench.notification('ended unexpectedly and was started again').waitFor();
    await workbench.screenshots('restarted');
    await workbench.clearNotifications();
    await workbench.statusShows(/saved/);
    await workbench.goTo(1);
    await workbench.codeAction("Generate function 'minimum'");
    await workbench.shows('crash.py', /return/);
  },
};

async function generate(workbench, name, command = 'halfwatt: Generate Function') {
  await workbench.write(`${name}.py`, STUB(name));
  await workbench.goTo(1);
  await workbench.command(command);
  await workbench.shows(`${name}.py`, /return/);
}

async function menu(workbench, entry) {
  await workbench.status().click();
  const row = workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: entry }).first();
  await row.waitFor();
  if (entry === 'Pause') await workbench.screenshots('menu');
  await row.click();
}

/** Ask by a command until the page that it shows, whose lines may be wrapped, has all of the texts. */
async function pageShows(workbench, command, expected) {
  await eventually(`${command} shows ${expected}`, async () => {
    await workbench.command(command);
    await workbench.preview().locator('.view-line').first().waitFor({ timeout: 60_000 });
    const text = (await workbench.text(workbench.preview())).replaceAll(/\s+/g, ' ');
    for (const it of expected) assert.match(text, it);
  }, MODEL_LIMIT_MS);
}
