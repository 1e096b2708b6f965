// A machine without the `halfwatt` command: the extension says so and offers what to do.
import assert from 'node:assert/strict';

export const options = () => ({ serverBin: '' });

export const rules = {
  'missing server is a sentence with a button': async (workbench) => {
    await workbench.write('shapes.py', 'def area(r):\n    pass\n');
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
    instance.setOnMachine({ 'halfwatt.server.path': '/bin/false' });
    const toast = workbench.notification('It was tried 4 times');
    await toast.getByRole('button', { name: 'Start Again' }).waitFor();
    assert.match(await toast.innerText(), /\/bin\/false \(from the setting halfwatt\.server\.path\)/);
    await workbench.screenshot('given-up');
    assert.equal(await workbench.page.locator('.notification-toast').count(), 1);
    assert.match(await workbench.status().getAttribute('aria-label'), /left off/);
  },
};
