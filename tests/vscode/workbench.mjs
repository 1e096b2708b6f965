// What a person does in a VS Code window, as functions over a page: open, type, ask for a command, read what is shown.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const require = createRequire(new URL('../../editors/vscode/', import.meta.url));
const { chromium } = require('playwright-core');
export const MODEL_LIMIT_MS = 180_000; // the model shares its cores with everything else

const THEMES = [
  ['contrast', 'hc-black', { colorScheme: 'dark', forcedColors: 'active' }],
  ['dark', 'vs-dark', { colorScheme: 'dark', forcedColors: 'none' }],
  ['light', 'vs', { colorScheme: 'light', forcedColors: 'none' }],
];

export async function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

/** Try until it does not throw; the last error tells what was never true. */
export async function eventually(what, attempt, limit_ms = 90_000) {
  const end = Date.now() + limit_ms;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw new Error(`never: ${what}: ${error.message}`, { cause: error });
    }
    await wait(100);
  }
}

export class Workbench {
  /** A window with the instance's folder, or what else the query names. */
  static async open(browser, instance, shots, query = `folder=${encodeURIComponent(instance.workspace)}`) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: 'light', reducedMotion: 'reduce' });
    const page = await context.newPage();
    page.setDefaultTimeout(90_000);
    await context.route(({ protocol, hostname }) => /^https?:$/.test(protocol) && hostname !== '127.0.0.1', (route) => route.abort());
    await page.goto(`${instance.url}/?${query}`, { waitUntil: 'domcontentloaded' });
    await page.locator('.monaco-workbench').waitFor();
    mkdirSync(shots, { recursive: true });
    return new Workbench(page, instance, shots);
  }

  constructor(page, instance, shots) {
    Object.assign(this, { page, instance, shots });
  }

  /** Another window of the same VS Code. */
  another(query) {
    return Workbench.open(this.page.context().browser(), this.instance, this.shots, query);
  }

  file(name) {
    return path.join(this.instance.workspace, name);
  }

  onDisk(name) {
    return readFileSync(this.file(name), 'utf8');
  }

  async write(name, text) {
    writeFileSync(this.file(name), text);
    await this.openFile(name);
  }

  async openFile(file) {
    const name = path.basename(file);
    await eventually(`${name} opens`, async () => {
      await this.page.keyboard.press('Escape');
      await this.page.keyboard.press('Control+p');
      await this.page.locator('.quick-input-widget input').fill(this.file(file), { timeout: 2000 });
      await this.page.locator('.quick-input-list .monaco-list-row', { hasText: name }).first().waitFor({ timeout: 10_000 });
      await this.page.keyboard.press('Enter');
      await this.page.locator('.tab.active', { hasText: name }).first().waitFor({ timeout: 10_000 });
    });
    await this.editor(name).locator('.view-line').first().waitFor();
  }

  async closeEditors() {
    await this.command('View: Close All Editors');
    const discard = this.page.locator('.monaco-dialog-box').getByRole('button', { name: "Don't Save" });
    await eventually('all editors are closed', async () => {
      if (await discard.isVisible()) await discard.click();
      assert.equal(await this.page.locator('.tab').count(), 0);
    });
  }

  /** Put the cursor at a 1-based line, at its end. */
  async goTo(line) {
    const box = this.page.locator('.quick-input-widget input');
    await eventually('the line is asked for', async () => {
      await this.page.keyboard.press('Control+g');
      await box.fill(`:${line}`, { timeout: 5000 });
    });
    await this.page.keyboard.press('Enter');
    await box.waitFor({ state: 'hidden' });
    await this.page.keyboard.press('End');
  }

  async command(title) {
    const row = this.page.locator('.quick-input-list .monaco-list-row.focused', { hasText: title }); // not one of an older list
    await eventually(`command ${title}`, async () => {
      await this.page.keyboard.press('F1');
      await this.page.locator('.quick-input-widget input').fill(`>${title}`, { timeout: 2000 });
      await row.waitFor({ timeout: 10_000 });
    });
    await this.page.keyboard.press('Enter');
  }

  /** Ask for the code actions at the cursor and take one; by keyboard, which is more reliable than the mouse. */
  async codeAction(title, shot) {
    const row = this.page.locator('.action-widget .monaco-list-row.action', { hasText: title }).first();
    const focused = this.page.locator('.action-widget .monaco-list-row.action.focused');
    await eventually(`code action ${title}`, async () => {
      await this.page.keyboard.press('Escape');
      await this.page.keyboard.press('Control+.');
      await row.waitFor({ timeout: 10_000 });
      if (shot) await this.screenshots(shot);
      const isChosen = async () => (await focused.innerText({ timeout: 2000 })).includes(title);
      for (let step = 0; step < 20 && !(await isChosen()); step++) await this.page.keyboard.press('ArrowDown');
      assert.ok(await isChosen());
    });
    await this.page.keyboard.press('Enter');
    await row.waitFor({ state: 'detached' });
  }

  async save(name) {
    await this.page.keyboard.press('Control+s');
    await eventually(`${name} is saved`, async () => assert.equal(await this.isDirty(name), false));
  }

  async isDirty(name) {
    return (await this.page.locator('.tab.dirty', { hasText: name }).count()) > 0;
  }

  editor(name) {
    return this.page.locator(`.monaco-editor[data-uri^="vscode-remote:"][data-uri$="/${encodeURIComponent(name)}"]`).first();
  }

  preview() {
    return this.page.locator('.monaco-editor[data-uri^="halfwatt:"]').first();
  }

  /** What an editor shows; its lines are drawn in any order. Ghost text counts as far as it stands in a line of the text. */
  async text(editor) {
    const lines = await editor.locator('.lines-content > .view-lines > .view-line').evaluateAll((found) =>
      found.map((line) => ({ top: parseFloat(line.style.top), text: line.textContent })).sort((a, b) => a.top - b.top));
    return lines.map(({ text }) => text.replaceAll('\u00a0', ' ').replaceAll('\u200b', '')).join('\n');
  }

  async shows(name, expected, limit_ms = MODEL_LIMIT_MS) {
    await eventually(`${name} shows ${expected}`, async () => assert.match(await this.text(this.editor(name)), expected), limit_ms);
  }

  /** What the preview shows now; "" where there is none. */
  async previewText() {
    return (await this.preview().count()) > 0 ? this.text(this.preview()) : '';
  }

  async previewIsGone() {
    await this.preview().waitFor({ state: 'detached', timeout: MODEL_LIMIT_MS });
  }

  status() {
    return this.page.locator('.statusbar-item[id="halfwatt.halfwatt.energy"]');
  }

  async statusShows(expected, limit_ms = 90_000) {
    await eventually(`status shows ${expected}`, async () => assert.match(await this.status().innerText(), expected), limit_ms);
  }

  /** What pointing at the status item shows. */
  async tooltip() {
    const hover = this.page.locator('.workbench-hover', { hasText: 'halfwatt ·' }).first();
    return eventually('the tooltip is shown', async () => {
      await this.page.mouse.move(600, 400); // where the mouse points already, nothing happens
      await this.status().hover({ timeout: 10_000 });
      return (await hover.innerText({ timeout: 5000 })).replaceAll('\u00a0', ' ');
    });
  }

  ghost() {
    return this.page.locator('.ghost-text, .ghost-text-decoration').first();
  }

  notification(text) {
    return this.page.locator('.notification-toast', { hasText: text }).first();
  }

  async clearNotifications() {
    await this.command('Notifications: Clear All Notifications');
    await eventually('no notification is shown', async () => assert.equal(await this.page.locator('.notification-toast').count(), 0));
  }

  async screenshot(name) {
    await this.page.screenshot({ path: path.join(this.shots, `${name}.png`), animations: 'disabled' }); // nothing half faded in
  }

  /** The state that is shown now, in the light, the dark and a high-contrast theme. */
  async screenshots(name) {
    for (const [label, theme, media] of THEMES) {
      await this.page.emulateMedia(media);
      await this.page.locator(`.monaco-workbench.${theme}`).waitFor();
      await this.screenshot(`${name}-${label}`);
    }
  }

  async close() {
    await this.page.context().close();
  }
}
