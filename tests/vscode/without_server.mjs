// A machine without the `halfwatt` command: the extension says so and offers what to do.
import assert from 'node:assert/strict';

export const options = () => ({ serverBin: '' });

export const rules = {
  'missing server is a sentence with a button': async (workbench) => {
    await workbench.write('shapes.py', 'def area(r):\n    pass\n');
    const toast = workbench.notification('language server was not found');
    await toast.waitFor();
    await toast.getByRole('button', { name: 'Install halfwatt' }).waitFor();
    await workbench.screenshot('missing-server');
    assert.match(await workbench.status().getAttribute('aria-label'), /not found/);
  },
};
