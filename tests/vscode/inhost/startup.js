// The slowest start there is: the extension is activated while the window itself is being loaded. One JSON object.
const vscode = require('vscode');

exports.run = async () => {
  const extension = vscode.extensions.getExtension('halfwatt.halfwatt');
  await extension.activate();
  const while_window_loads_ms = Math.round(await extension.exports.ready_ms);
  console.log(`[test] ${JSON.stringify({ while_window_loads_ms })}`);
};
