// One fresh VS Code: its own settings, extensions, HOME and halfwatt folders; everything that it started ends with it.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { paths } from './install.mjs';

const SETTINGS = {
  'workbench.startupEditor': 'none',
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'chat.disableAIFeatures': true,
  'editor.minimap.enabled': false,
  'git.enabled': false,
  'files.autoSave': 'off',
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'editor.wordBasedSuggestions': 'off',
  'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
};

/** @param options `{folder, vsix, modelsDir, serverBin, settings, env}`; serverBin "" leaves halfwatt off PATH. */
export async function startInstance(options) {
  const root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'halfwatt-vscode-')));
  const at = (...parts) => path.join(root, ...parts);
  for (const folder of ['home', 'work space é', 'data/User', 'runtime']) mkdirSync(at(folder), { recursive: true });
  writeFileSync(at('data/User/settings.json'), JSON.stringify({ ...SETTINGS, ...options.settings }));
  const { node, server } = paths(options.folder);
  const entry = path.join(server, 'out/node/entry.js');
  const env = {
    ...process.env,
    HOME: at('home'),
    HALFWATT_HOME: at('halfwatt'),
    HALFWATT_MODELS_DIR: options.modelsDir,
    XDG_CONFIG_HOME: at('xdg/config'),
    XDG_DATA_HOME: at('xdg/data'),
    XDG_CACHE_HOME: at('xdg/cache'),
    XDG_RUNTIME_DIR: at('runtime'),
    EXTENSIONS_GALLERY: '{}',
    VIRTUAL_ENV: '',
    PATH: [options.serverBin, '/usr/local/bin', '/usr/bin', '/bin'].filter(Boolean).join(':'),
    ...options.env,
  };
  delete env.VSCODE_IPC_HOOK_CLI;
  const folders = ['--user-data-dir', at('data'), '--extensions-dir', at('extensions')];
  execFileSync(node, [entry, ...folders, '--install-extension', options.vsix], { env, stdio: 'ignore' });
  const port = await freePort();
  const child = spawn(
    node,
    [entry, '--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, ...folders, '--disable-telemetry', '--disable-update-check',
      '--disable-workspace-trust', '--disable-getting-started-override', '--reconnection-grace-time', '5', at('work space é')],
    { env, detached: true, stdio: 'ignore' },
  );
  const url = `http://127.0.0.1:${port}`;
  await answering(`${url}/healthz`);
  const end = async () => {
    if (options.serverBin) runQuietly(path.join(options.serverBin, 'halfwatt'), ['daemon', 'stop'], env);
    process.kill(-child.pid, 'SIGTERM'); // detached: the child leads a group of its own
    await new Promise((resolve) => child.once('exit', resolve));
  };
  return { url, env, workspace: at('work space é'), home: at('halfwatt'), root, end };
}

function runQuietly(command, args, env) {
  try {
    execFileSync(command, args, { env, stdio: 'ignore', timeout: 20_000 });
  } catch {
    // no daemon was running: there is nothing to stop
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function answering(url) {
  for (let attempt = 0; attempt < 300; attempt++) {
    if (await fetch(url).then((reply) => reply.ok, () => false)) return;
    await wait(100);
  }
  throw new Error('code-server did not answer within 30 s');
}
