// What a person does in a VS Code window, as functions over a page: open, type, ask for a command, read what is shown.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const require = createRequire(new URL('../../editors/vscode/', import.meta.url));
const { chromium } = require('playwright-core');

export async function openBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
}

/** Try until it does not throw; the last error tells what was never true. */
export async function eventually(what, attempt, limit_ms = 20_000) {
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
  static async open(browser, instance, shots) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const allowed = new URL(instance.url).origin;
    await context.route((url) => /^https?:$/.test(url.protocol) && url.origin !== allowed, (route) => route.abort());
    await page.goto(`${instance.url}/?folder=${encodeURIComponent(instance.workspace)}`, { waitUntil: 'domcontentloaded' });
    await page.locator('.monaco-workbench').waitFor();
    mkdirSync(shots, { recursive: true });
    return new Workbench(page, instance, shots);
  }

  constructor(page, instance, shots) {
    Object.assign(this, { page, instance, shots });
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

  async openFile(name) {
    assert.ok(existsSync(this.file(name)), `${name} does not exist`);
    const tab = this.page.locator('.tab.active', { hasText: name });
    await eventually(`${name} opens`, async () => {
      await this.page.keyboard.press('Escape');
      await this.page.keyboard.press('Control+p');
      await this.page.locator('.quick-input-widget input').fill(this.file(name), { timeout: 2000 });
      await this.page.locator('.quick-input-list .monaco-list-row').first().waitFor({ timeout: 3000 });
      await this.page.keyboard.press('Enter');
      await tab.waitFor({ timeout: 3000 });
    });
    await this.page.locator('.editor-instance .monaco-editor .view-line').first().waitFor();
  }

  /** Put the cursor at a 1-based line, at its end. */
  async goTo(line) {
    await this.page.keyboard.press('Control+g');
    await this.page.locator('.quick-input-widget input').fill(`:${line}`);
    await this.page.keyboard.press('Enter');
    await this.page.keyboard.press('End');
  }

  async command(title) {
    const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first();
    await eventually(`command ${title}`, async () => {
      await this.page.keyboard.press('F1');
      await this.page.locator('.quick-input-widget input').fill(`>${title}`, { timeout: 2000 });
      await row.waitFor({ timeout: 3000 });
    });
    await this.page.keyboard.press('Enter');
  }

  /** Ask for the code actions at the cursor and take one; by keyboard, which is more reliable than the mouse. */
  async codeAction(title) {
    const row = this.page.locator('.action-widget .monaco-list-row.action', { hasText: title }).first();
    await eventually(`code action ${title}`, async () => {
      await this.page.keyboard.press('Escape');
      await this.page.keyboard.press('Control+.');
      await row.waitFor({ timeout: 3000 });
    }, 40_000);
    await this.screenshot('code-action');
    const focused = this.page.locator('.action-widget .monaco-list-row.action.focused');
    for (let step = 0; step < 20 && !(await focused.innerText()).includes(title); step++) await this.page.keyboard.press('ArrowDown');
    await this.page.keyboard.press('Enter');
    await row.waitFor({ state: 'detached' });
  }

  async save() {
    await this.page.keyboard.press('Control+s');
  }

  async text() {
    const shown = await this.page.locator('.editor-instance .monaco-editor .view-lines').first().innerText();
    return shown.replaceAll('\u00a0', ' ');
  }

  status() {
    return this.page.locator('.statusbar-item[id="halfwatt.halfwatt.energy"]');
  }

  async statusText() {
    return (await this.status().innerText()).trim();
  }

  ghost() {
    return this.page.locator('.ghost-text, .ghost-text-decoration').first();
  }

  notification(text) {
    return this.page.locator('.notification-toast', { hasText: text }).first();
  }

  async screenshot(name) {
    await this.page.screenshot({ path: path.join(this.shots, `${name}.png`) });
  }

  async close() {
    await this.page.context().close();
  }
}
