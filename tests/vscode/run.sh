#!/usr/bin/env bash
# Packages the extension and drives it in a real VS Code; `make test-editors` sets the variables. Skips with a reason where
# Node or Chromium is missing, but not in CI.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

missing() {
  echo "The VS Code tests were skipped: $1"
  [ "${CI:-}" != true ]
  exit
}

command -v npm >/dev/null || missing "npm is not installed."
node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' || missing "Node 20 or later is needed."
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing "there is no Chromium; install Debian's package chromium or set CHROMIUM."

cd "$here/../../editors/vscode"
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --no-fund --no-audit --loglevel=error
npm run --silent package -- --out "$VSIX"
exec node "$here/run.mjs" "$@"
