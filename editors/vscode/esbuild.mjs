// Bundles the extension into one file: `node esbuild.mjs`. Prints its size, which must stay under 400 KB.
import { build } from 'esbuild';
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';

const LIMIT_BYTES = 400_000;

// 76 KB that this extension never runs; each stand-in says why
const STAND_INS = [
  [/node_modules.minimatch.dist.commonjs.index\.js$/, `export * from './src/standins/minimatch';`],
  [/node_modules.semver.functions.parse\.js$/, `module.exports = require('./src/standins/semver').parse;`],
  [/node_modules.semver.functions.satisfies\.js$/, `module.exports = require('./src/standins/semver').satisfies;`],
  [/vscode-languageclient.lib.common.(notebook|fileOperations)\.js$/, `export * from './src/standins/features';`],
];

const { metafile } = await build({
  entryPoints: ['src/extension.ts'],
  outfile: 'dist/extension.js',
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  external: ['vscode'],
  metafile: true,
  plugins: [
    {
      name: 'stand-ins',
      setup({ onLoad }) {
        for (const [filter, contents] of STAND_INS) onLoad({ filter }, () => ({ contents, resolveDir: process.cwd() }));
      },
    },
  ],
  logLevel: 'warning',
});
copyFileSync('../../LICENSE', 'LICENSE');
writeFileSync('dist/THIRD_PARTY.txt', licences(metafile));
const bytes = statSync('dist/extension.js').size;
console.log(`dist/extension.js ${(bytes / 1000).toFixed(0)} KB`);
if (bytes > LIMIT_BYTES) throw new Error('the bundle is too large: look at what was imported');

/** The licences of what went into the bundle, which they ask to be shipped with it. */
function licences({ inputs }) {
  const names = new Set(Object.keys(inputs).flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []));
  const texts = [...names].sort().map((name) => `${name}\n\n${licenceOf(name)}`);
  return texts.join(`\n${'-'.repeat(80)}\n`);
}

function licenceOf(name) {
  for (const file of ['License.txt', 'LICENSE', 'LICENSE.md', 'LICENSE.txt']) {
    try {
      return readFileSync(`node_modules/${name}/${file}`, 'utf8');
    } catch {
      // another spelling
    }
  }
  throw new Error(`${name} is bundled and has no licence file`);
}
