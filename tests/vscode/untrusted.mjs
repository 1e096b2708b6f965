// A workspace that nobody trusts yet, whose settings name a command of its own.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const MARK = 'was-run';

export const options = () => ({
  isTrusted: false,
  modelsDir: '',
  settings: { 'security.workspace.trust.enabled': true, 'security.workspace.trust.startupPrompt': 'never' },
  prepare: (_, workspace) => {
    const command = path.join(workspace, 'halfwatt');
    writeFileSync(command, `#!/bin/sh\ntouch '${path.join(workspace, MARK)}'\n`, { mode: 0o755 });
    mkdirSync(path.join(workspace, '.vscode'));
    writeFileSync(path.join(workspace, '.vscode/settings.json'), JSON.stringify({ 'halfwatt.server.path': command }));
  },
});

export const rules = {
  'the settings of an untrusted workspace choose no command, and the tooltip says which one runs and why': async (workbench) => {
    await workbench.write('shapes.py', 'def area(r):\n    pass\n');
    await workbench.page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).waitFor();
    await workbench.statusShows(/no model/);
    assert.match(await workbench.tooltip(), /Server: \S+\/halfwatt, the first on PATH/);
    assert.ok(!existsSync(workbench.file(MARK)));
  },
};
