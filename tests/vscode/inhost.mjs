// Runs a module inside the extension host, with the whole `vscode` API: what the workbench does for extension tests.
import path from 'node:path';

const LIMIT_MS = 480_000;
export const ARGUMENTS = ['--vscode-option', 'enable-smoke-test-driver']; // without it the payload is ignored

/** Resolves to true when the module's `run` resolved; lines that it marks with [test] are printed. */
export async function runInHost(browser, instance, module) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const ended = new Promise((resolve) => {
    void page.exposeFunction('codeAutomationExit', (code) => resolve(code === 0));
    void page.exposeFunction('codeAutomationLog', (_, [text]) => String(text).startsWith('[test] ') && console.log(text.slice(7)));
    setTimeout(() => resolve(false), LIMIT_MS).unref();
  });
  const remote = (file) => `vscode-remote://${new URL(instance.url).host}${path.join(import.meta.dirname, 'inhost', file)}`;
  const payload = [['extensionDevelopmentPath', remote('')], ['extensionTestsPath', remote(module)]];
  const query = `folder=${encodeURIComponent(instance.workspace)}&payload=${encodeURIComponent(JSON.stringify(payload))}`;
  await page.goto(`${instance.url}/?${query}`, { waitUntil: 'domcontentloaded' });
  try {
    return await ended;
  } finally {
    await context.close();
  }
}
