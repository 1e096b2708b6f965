// The extension's own figures, measured in the extension host. One JSON object per line.
const { readFileSync, writeFileSync } = require('node:fs');
const { Session } = require('node:inspector/promises');
const os = require('node:os');
const path = require('node:path');
const vscode = require('vscode');

const say = (text) => console.log(`[test] ${text}`); // the extension host says much else

const N_KEYS = 100; // in each half of a pair
const KEPT = 0.9; // of the keys: the slowest of each half met a garbage collection or another process
const N_PAIRS = 12;
const N_EVENTS = 12;

exports.run = async () => {
  const extension = vscode.extensions.getExtension('halfwatt.halfwatt');
  const bundle_bytes = readFileSync(path.join(extension.extensionPath, 'dist/extension.js')).length;
  await settled();
  const document = await open('keys.py');
  await extension.activate();
  const activation_to_ready_ms = await extension.exports.ready_ms;
  const latencies_ms = await statusLatencies(extension.exports.onDidChangeStatus);
  const keys = await keystrokePairs(document);
  await serve(true);
  const own_ms = await ownCode(document, extension.extensionPath);
  say(JSON.stringify({
    bundle_bytes,
    activation_to_ready_ms: round(activation_to_ready_ms),
    keystroke_ms: round(median(keys.map(({ with_ms, without_ms }) => with_ms - without_ms))),
    keystroke_pairs_ms: keys.map(({ with_ms, without_ms }) => round(with_ms - without_ms)),
    keystroke_own_code_ms: round(own_ms),
    keystroke_total_ms: round(median(keys.map(({ with_ms }) => with_ms))),
    status_latency_median_ms: round(median(latencies_ms)),
    status_latency_max_ms: round(latencies_ms.at(-1)),
  }));
};

const round = (value) => Math.round(value * 1000) / 1000;
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

async function open(name) {
  const file = path.join(vscode.workspace.workspaceFolders[0].uri.fsPath, name);
  writeFileSync(file, `${'def f(x):\n    return x\n\n\n'.repeat(100)}`);
  const document = await vscode.workspace.openTextDocument(vscode.Uri.file(file));
  await vscode.window.showTextDocument(document);
  return document;
}

/** Wait until the window has been loaded: a whole second in which the processors are mostly idle, or a minute at most. */
async function settled() {
  const times = () => os.cpus().map((cpu) => cpu.times);
  for (let n = 0; n < 60; n++) {
    const before = times();
    await wait(1000);
    const spent_ms = times().map((now, at) => now.user + now.sys + now.nice - before[at].user - before[at].sys - before[at].nice);
    if (spent_ms.every((it) => it < 200)) return;
  }
}

/** The same keystrokes with the server and without it, close together and in turns, so that what else happens strikes both. */
async function keystrokePairs(document) {
  const pairs = [];
  for (let n = 0; n < N_PAIRS; n++) {
    const pair = {};
    for (const half of n % 2 ? ['without_ms', 'with_ms'] : ['with_ms', 'without_ms']) {
      await serve(half === 'with_ms');
      pair[half] = await keystrokes(document);
    }
    pairs.push(pair);
  }
  return pairs;
}

/** Let the extension have its server, or a path where none is. */
async function serve(wanted) {
  const path = wanted ? undefined : '/nowhere/halfwatt';
  await vscode.workspace.getConfiguration('halfwatt').update('server.path', path, vscode.ConfigurationTarget.Global);
  await vscode.commands.executeCommand('halfwatt.restart'); // waits for the one that the setting has begun, too
  await vscode.commands.executeCommand('notifications.clearAll');
  await wait(1000); // both halves begin at rest
}

/** Milliseconds that one typed character keeps the extension host's thread busy, with all that follows from it. */
async function keystrokes(document) {
  await toEnd(document);
  const spent_ms = [];
  let before_ms = busy();
  for (let n = 0; n < N_KEYS; n++) {
    await vscode.commands.executeCommand('type', { text: 'ab '[n % 3] });
    spent_ms.push(busy() - before_ms);
    before_ms = busy();
  }
  await wait(500); // what follows from the last keys
  const kept_ms = spent_ms.sort((a, b) => a - b).slice(0, KEPT * N_KEYS);
  return kept_ms.reduce((sum, it) => sum + it, 0) / kept_ms.length + (busy() - before_ms) / N_KEYS;
}

const busy = () => performance.eventLoopUtilization().active;

/** Milliseconds of a keystroke in which the extension's own code is on the stack, by V8's profiler: a check of the difference. */
async function ownCode(document, folder) {
  await toEnd(document);
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.start');
  for (let n = 0; n < N_KEYS; n++) await vscode.commands.executeCommand('type', { text: 'ab '[n % 3] });
  await wait(500);
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  const own = new Set();
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const visit = ({ id, callFrame, children = [] }, isBelow) => {
    const isOwn = isBelow || callFrame.url.includes(folder);
    if (isOwn) own.add(id);
    for (const child of children) visit(nodes.get(child), isOwn);
  };
  visit(profile.nodes[0], false);
  return profile.timeDeltas.reduce((sum, delta_us, at) => sum + (own.has(profile.samples[at]) ? delta_us : 0), 0) / 1000 / N_KEYS;
}

async function toEnd(document) {
  const editor = await vscode.window.showTextDocument(document);
  const end = document.lineAt(document.lineCount - 1).range.end;
  editor.selection = new vscode.Selection(end, end);
}

/** From a daemon's event to the extension's status item: sorted milliseconds; both clocks are this process's. */
async function statusLatencies(onDidChangeStatus) {
  const runtime = path.join(process.env.HALFWATT_HOME, 'run');
  await eventually(() => readFileSync(path.join(runtime, 'daemon.json')));
  const { port } = JSON.parse(readFileSync(path.join(runtime, 'daemon.json'), 'utf8'));
  const headers = { authorization: `Bearer ${readFileSync(path.join(runtime, 'token'), 'utf8').trim()}`, 'content-type': 'application/json' };
  const at = (name) => `http://127.0.0.1:${port}/halfwatt/v1/${name}`;
  const events = (await fetch(at('events'), { headers })).body.pipeThrough(new TextDecoderStream()).getReader();
  const found = [];
  for (let n = 0; n < N_EVENTS; n++) {
    const state = n % 2 === 0 ? 'paused' : 'ready';
    const shown = new Promise((resolve) => {
      const listener = onDidChangeStatus((note) => note.kind === state && (listener.dispose(), resolve(performance.now())));
    });
    await fetch(at(n % 2 === 0 ? 'pause' : 'resume'), { method: 'POST', headers, body: '{}' });
    const told_ms = await nextEvent(events, state);
    found.push((await shown) - told_ms);
    await wait(500); // the next one is no burst
  }
  await events.cancel();
  return found.sort((a, b) => a - b);
}

async function nextEvent(events, state) {
  for (;;) {
    const { value, done } = await events.read();
    if (done) throw new Error('the daemon ended its events');
    if (value.includes(`"state":"${state}"`)) return performance.now();
  }
}

async function eventually(attempt) {
  for (let n = 0; n < 600; n++) {
    try {
      return attempt();
    } catch {
      await wait(100);
    }
  }
  return attempt();
}
