// The stand-in for a cloud: an OpenAI-compatible server that this project did not write, with a real model behind it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const LAUNCHER = path.resolve(import.meta.dirname, '../support/servers/cloud_server.py');
const KEY = 'planted-editor-key-1';

/** What halfwatt's configuration and environment need to reach it; `stop` ends it. */
export async function startCloud(serverBin, modelsDir) {
  const model = path.join(modelsDir, 'qwen2.5-coder-0.5b-instruct-q4_k_m.gguf');
  const child = spawn(path.join(serverBin, 'python'), [LAUNCHER, model], {
    env: { ...process.env, STAND_IN_KEY: KEY },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the stand-in for a cloud ended with ${code} before it served`)));
  const [line] = await Promise.race([once(child.stdout, 'data'), ended]);
  ended.catch(() => undefined); // once it serves, its end is what `stop` waits for
  const config = `
[local]
model = "qwen2.5-coder-0.5b"

[routing]
escalation = "ask"

[energy]
reference = "gpt-4o-mini"

[[tiers]]
name = "cloud"
kind = "cloud"
base_url = "http://127.0.0.1:${line.toString().trim()}/v1"
model = "stand-in-cloud"
key = "stand-in"
active_parameters_b = 8.0
total_parameters_b = 8.0
`;
  const stop = async () => {
    child.kill();
    await once(child, 'exit');
  };
  return { config, env: { HALFWATT_KEY_STAND_IN: KEY }, stop };
}
