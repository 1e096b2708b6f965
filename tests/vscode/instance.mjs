// One fresh VS Code: its own settings, extensions, HOME and halfwatt folders; everything that it started ends with it.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { paths } from './install.mjs';
import { find } from './process.mjs';

const SETTINGS = {
  'workbench.startupEditor': 'none',
  'workbench.reduceMotion': 'on', // screenshots show no half of a change
  'window.autoDetectColorScheme': true, // the page's own colour scheme chooses the theme
  'workbench.preferredLightColorTheme': 'Light Modern',
  'workbench.preferredDarkColorTheme': 'Dark Modern',
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

/**
 * @param options `{codeServer, vsix, modelsDir, serverBin, settings, config, env, arguments, prepare}`: serverBin "" leaves
 * halfwatt off PATH, modelsDir "" is an empty folder, config is halfwatt's config.toml, prepare gets the instance's home
 * and workspace, isTrusted false leaves the workspace untrusted.
 */
export async function startInstance(options) {
  const root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'halfwatt-vscode-')));
  const at = (...parts) => path.join(root, ...parts);
  for (const folder of ['home', 'work space é', 'data/User', 'data/Machine', 'runtime', 'halfwatt/config']) mkdirSync(at(folder), { recursive: true });
  writeFileSync(at('data/User/settings.json'), JSON.stringify({ ...SETTINGS, ...options.settings }));
  const isTrusted = options.isTrusted ?? true;
  writeFileSync(at('halfwatt/config/config.toml'), options.config ?? '');
  options.prepare?.(at('home'), at('work space é'));
  const { server } = paths(options.codeServer);
  const entry = path.join(server, 'out/node/entry.js');
  const env = environment(at, options);
  writeFileSync(at('home/.bash_profile'), `export PATH='${env.PATH}'\n`); // VS Code asks a login shell for PATH
  const folders = ['--user-data-dir', at('data'), '--extensions-dir', at('extensions')];
  execFileSync(process.execPath, [entry, ...folders, '--install-extension', options.vsix], { env, stdio: 'ignore' });
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [entry, '--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, ...folders, '--disable-telemetry', '--disable-update-check',
      ...(isTrusted ? ['--disable-workspace-trust'] : []), '--disable-getting-started-override', '--reconnection-grace-time', '5',
      ...(options.arguments ?? []), at('work space é')],
    { env, cwd: hostileFolder(at), detached: true, stdio: 'ignore' },
  );
  const url = `http://127.0.0.1:${port}`;
  await answering(`${url}/healthz`);
  const halfwatt = (...command) => execFileSync(path.join(options.serverBin, 'halfwatt'), command, { env, encoding: 'utf8', timeout: 300_000, stdio: ['ignore', 'pipe', 'pipe'] });
  const daemonLog = () => (existsSync(at('halfwatt/state/daemon.log')) ? readFileSync(at('halfwatt/state/daemon.log'), 'utf8').slice(-4000) : '');
  const kill = () => {
    stopDaemon(at('halfwatt'));
    process.kill(-child.pid, 'SIGTERM'); // detached: the child leads a group of its own
  };
  const interrupted = () => process.exit(130);
  process.once('SIGTERM', interrupted).once('SIGINT', interrupted).once('exit', kill);
  const end = async () => {
    process.off('SIGTERM', interrupted).off('SIGINT', interrupted).off('exit', kill);
    kill();
    await new Promise((resolve) => child.once('exit', resolve));
    while (daemons(at('halfwatt')).length > 0) await wait(50); // it writes until it has ended
    if (existsSync(at('ran'))) throw new Error(`code of the folder that VS Code was started in ran: ${readFileSync(at('ran'), 'utf8')}`);
    rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  const setOnMachine = (settings) => writeFileSync(at('data/Machine/settings.json'), JSON.stringify(settings));
  return { url, env, root, setOnMachine, workspace: at('work space é'), home: at('halfwatt'), pid: child.pid, halfwatt, daemonLog, end };
}

/** Like a cloned repository that wants its code to run; whatever is imported from it leaves the file `ran`. */
function hostileFolder(at) {
  for (const name of ['pip', 'venv', 'halfwatt', 'json', 'subprocess', 'encodings', 'sitecustomize']) {
    mkdirSync(at('hostile', name), { recursive: true });
    for (const file of ['__init__.py', '__main__.py']) writeFileSync(at('hostile', name, file), `open(${JSON.stringify(at('ran'))}, 'a').write(__name__ + '\\n')\n`);
  }
  return at('hostile');
}

function environment(at, { modelsDir, serverBin, env }) {
  const changed = {
    HOME: at('home'),
    SHELL: '/bin/bash',
    HALFWATT_HOME: at('halfwatt'),
    HALFWATT_MODELS_DIR: modelsDir || at('models'),
    XDG_CONFIG_HOME: at('xdg/config'),
    XDG_DATA_HOME: at('xdg/data'),
    XDG_CACHE_HOME: at('xdg/cache'),
    XDG_RUNTIME_DIR: at('runtime'),
    PYTHON_KEYRING_BACKEND: 'keyring.backends.fail.Keyring',
    EXTENSIONS_GALLERY: '{}',
    VIRTUAL_ENV: '',
    PATH: [serverBin, '/usr/local/bin', '/usr/bin', '/bin'].filter(Boolean).join(':'),
    ...env,
  };
  const { VSCODE_IPC_HOOK_CLI: _, ...inherited } = process.env;
  return { ...inherited, ...changed };
}

const daemons = (home) => find({ home }, 'halfwatt.daemon.server');

function stopDaemon(home) {
  for (const pid of daemons(home)) process.kill(pid, 'SIGTERM');
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
  for (let attempt = 0; attempt < 1800; attempt++) {
    if (await fetch(url).then((reply) => reply.ok, () => false)) return;
    await wait(100);
  }
  throw new Error('code-server did not answer within 180 s');
}
