// Bundles the extension into one file: `node esbuild.mjs`. Prints its size, which must stay under 400 KB.
import { build } from 'esbuild';
import { statSync } from 'node:fs';

await build({
  entryPoints: ['src/extension.ts'],
  outfile: 'dist/extension.js',
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  external: ['vscode'],
  plugins: [
    {
      // 49 KB that this extension never runs; each stand-in says why
      name: 'standins',
      setup({ onLoad }) {
        const contents = {
          minimatch: `export * from './src/standins/minimatch';`,
          parse: `module.exports = require('./src/standins/semver').parse;`,
          satisfies: `module.exports = require('./src/standins/semver').satisfies;`,
        };
        const replace = (filter, name) => onLoad({ filter }, () => ({ contents: contents[name], resolveDir: process.cwd() }));
        replace(/node_modules.minimatch.dist.commonjs.index\.js$/, 'minimatch');
        replace(/node_modules.semver.functions.parse\.js$/, 'parse');
        replace(/node_modules.semver.functions.satisfies\.js$/, 'satisfies');
      },
    },
  ],
  logLevel: 'warning',
});
const kilobytes = statSync('dist/extension.js').size / 1024;
console.log(`dist/extension.js ${kilobytes.toFixed(0)} KB`);
if (kilobytes > 400) throw new Error('the bundle is larger than 400 KB: look at what was imported');
