// Installs code-server (VS Code in a browser) from npm without any native build: `node install.mjs FOLDER`.
// The Node that runs this also runs code-server.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const CODE_SERVER = '4.139.1';

export function paths(folder) {
  return {
    server: path.join(folder, 'server/lib/node_modules/code-server'),
    stamp: path.join(folder, `installed-${CODE_SERVER}`),
  };
}

export function install(folder) {
  const { server, stamp } = paths(folder);
  if (existsSync(stamp)) return;
  console.log('installing code-server from npm: about half a minute, 600 MB');
  mkdirSync(folder, { recursive: true });
  const env = { ...process.env, NODE_OPTIONS: '' };
  npm(env, ['install', '--global', '--prefix', path.join(folder, 'server'), `code-server@${CODE_SERVER}`]);
  for (const sub of ['lib/vscode', 'lib/vscode/extensions']) {
    npm(env, ['install', '--omit=dev', '--no-global'], path.join(server, sub));
  }
  link(server, 'remote-cli/code-server', 'code-linux.sh');
  link(server, 'helpers/browser.sh', 'browser-linux.sh');
  writeFileSync(stamp, '');
}

function npm(env, args, cwd) {
  execFileSync('npm', [...args, '--ignore-scripts', '--loglevel=error'], { env, cwd, stdio: ['ignore', 'ignore', 'inherit'] });
}

/** What code-server's own post-install step would link; the step itself would also start native builds. */
function link(server, name, target) {
  const file = path.join(server, 'lib/vscode/bin', name);
  rmSync(file, { force: true });
  symlinkSync(target, file);
}

if (import.meta.url === `file://${process.argv[1]}`) install(process.argv[2]);
