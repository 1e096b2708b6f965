// A machine without the `halfwatt` command: the extension says so and offers what to do.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { eventually } from './workbench.mjs';

// A package without dependencies, so that nothing is compiled or downloaded: its command is the real server.
const MAKE_WHEEL = `
import sys, zipfile
folder, command = sys.argv[1:]
info = "halfwatt-0.0.1.dist-info"
with zipfile.ZipFile(folder + "/halfwatt-0.0.1-py3-none-any.whl", "w") as wheel:
    wheel.writestr("stand_in.py", f"import os, sys\\ndef main():\\n    os.execv({command!r}, [{command!r}, *sys.argv[1:]])\\n")
    wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: halfwatt\\nVersion: 0.0.1\\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/entry_points.txt", "[console_scripts]\\nhalfwatt = stand_in:main\\n")
    wheel.writestr(f"{info}/RECORD", "")
`;
const FILE = 'def area(r):\n    pass\n'; // opening it activates the extension
const wheels = mkdtempSync(path.join(os.tmpdir(), 'halfwatt-wheel-'));
let makeWheel;

export const options = ({ serverBin }) => {
  const python = path.join(serverBin, 'python');
  makeWheel = () => execFileSync(python, ['-c', MAKE_WHEEL, wheels, path.join(serverBin, 'halfwatt')]);
  const base = execFileSync(python, ['-c', 'import sys; print(sys.base_prefix)'], { encoding: 'utf8' }).trim();
  return { serverBin: '', modelsDir: '', env: { PATH: `${path.join(base, 'bin')}:/usr/local/bin:/usr/bin:/bin`, PIP_NO_INDEX: '1' } };
};
export const cleanUp = () => rmSync(wheels, { recursive: true });

/** Ask for the installation until it says this: VS Code reads a changed settings file a moment later. */
async function installUntil(workbench, said) {
  await eventually(`the installation says: ${said}`, async () => {
    await workbench.clearNotifications();
    await workbench.command('halfwatt: Install the Language Server');
    await workbench.notification(said).waitFor({ timeout: 3000 });
  });
}

export const rules = {
  'missing server is a sentence with a button': async (workbench) => {
    await workbench.write('shapes.py', FILE);
    const toast = workbench.notification('language server was not found');
    await toast.waitFor();
    await toast.getByRole('button', { name: 'Install halfwatt' }).waitFor();
    await toast.getByRole('button', { name: 'Choose a Path' }).waitFor();
    await workbench.screenshots('missing-server');
    assert.match(await workbench.status().getAttribute('aria-label'), /not found/);
  },

  'the menu of the status item offers what works without a server': async (workbench) => {
    await workbench.clearNotifications();
    await workbench.status().click();
    const rows = workbench.page.locator('.quick-input-list .monaco-list-row');
    await rows.filter({ hasText: 'Install halfwatt' }).waitFor();
    assert.equal(await rows.filter({ hasText: 'dashboard' }).count(), 0);
    await workbench.page.keyboard.press('Escape');
  },

  'a server that never starts is tried some times and left off with one message': async (workbench, instance) => {
    await workbench.write('shapes.py', FILE);
    await workbench.clearNotifications();
    instance.setOnMachine({ 'halfwatt.server.path': '/bin/false' });
    const toast = workbench.notification('It was tried 4 times');
    await toast.getByRole('button', { name: 'Start Again' }).waitFor();
    assert.match(await toast.innerText(), /\/bin\/false \(from the setting halfwatt\.server\.path\)/);
    assert.match(await toast.innerText(), /(ended unexpectedly|it ended before it answered)\. It was tried/); // whichever is seen first
    await workbench.page.mouse.move(600, 400); // the status item's tooltip would hide it
    await workbench.page.locator('.workbench-hover').first().waitFor({ state: 'hidden' });
    await workbench.screenshots('given-up');
    assert.equal(await workbench.page.locator('.notification-toast', { hasText: '/bin/false' }).count(), 1); // not one for each try
    assert.match(await workbench.status().getAttribute('aria-label'), /left off/);
  },

  'an installation that fails says so and leaves everything as it was': async (workbench, instance) => {
    await workbench.write('shapes.py', FILE);
    await workbench.clearNotifications();
    const wheel = path.join(wheels, 'halfwatt-0.0.1-py3-none-any.whl');
    writeFileSync(wheel, 'no wheel yet');
    instance.setOnMachine({ 'halfwatt.install.wheel': wheel });
    await workbench.notification('language server was not found').getByRole('button', { name: 'Install halfwatt' }).click();
    const toast = workbench.notification('halfwatt was not installed');
    await toast.waitFor();
    assert.match(await toast.innerText(), /ended with code 1\. Nothing else was changed/);
    await workbench.clearNotifications();
  },

  'what is no wheel on this disk is not installed': async (workbench, instance) => {
    instance.setOnMachine({ 'halfwatt.install.wheel': 'halfwatt' });
    await installUntil(workbench, 'halfwatt is not a wheel that can be read; give the full path');
    await workbench.clearNotifications();
    instance.setOnMachine({ 'halfwatt.install.wheel': path.join(wheels, 'halfwatt-0.0.1-py3-none-any.whl') });
  },

  'an installation shows its progress, and the server of its environment starts': async (workbench) => {
    makeWheel();
    await installUntil(workbench, 'making a Python environment');
    await workbench.screenshots('installing');
    await workbench.statusShows(/no model/);
    assert.match(await workbench.tooltip(), /Server: \S+\/server\/bin\/halfwatt, in the environment that this extension made/);
  },
};
