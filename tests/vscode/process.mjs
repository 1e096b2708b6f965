// halfwatt's processes of one instance, found in /proc and held while a rule looks, types or cancels: what happens
// meanwhile depends on no machine's speed.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const STEP_MS = 25; // a few tokens at most; asking the page what it shows takes about as long
const CRAWL_LIMIT_MS = 120_000;

/** The processes of this instance whose command line has this word. */
export function find(instance, word) {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) =>
    strings(pid, 'cmdline').includes(word) && strings(pid, 'environ').includes(`HALFWATT_HOME=${instance.home}`)).map(Number);
}

export function findOne(instance, word) {
  const found = find(instance, word);
  if (found.length !== 1) throw new Error(`${found.length} processes of this window run ${word}, not one`);
  return found[0];
}

export const languageServer = (instance) => findOne(instance, 'lsp');
export const daemon = (instance) => JSON.parse(readFileSync(path.join(instance.home, 'run', 'daemon.json'), 'utf8')).pid;

/** Run `body` with control over the process that runs the model; whatever happens, it goes on afterwards. */
export async function withHeldModel(instance, body) {
  await withHeld(findOne(instance, 'halfwatt.daemon.worker'), body);
}

/** `body` gets `{crawlUntil, release}`; the process stands still when it begins. */
export async function withHeld(pid, body) {
  const release = () => process.kill(pid, 'SIGCONT');
  process.kill(pid, 'SIGSTOP');
  try {
    await body({ release, crawlUntil: (seen) => crawlUntil(pid, seen) });
  } finally {
    release();
  }
}

/** Let it go on in steps far smaller than an answer until `seen` is true, and then stand still. */
async function crawlUntil(pid, seen) {
  const end = Date.now() + CRAWL_LIMIT_MS;
  while (!(await seen())) {
    if (Date.now() > end) throw new Error('what was to be seen while the process works was not seen');
    process.kill(pid, 'SIGCONT');
    await wait(STEP_MS);
    process.kill(pid, 'SIGSTOP');
  }
}

function strings(pid, name) {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8').split('\0');
  } catch {
    return []; // gone, or not ours
  }
}
