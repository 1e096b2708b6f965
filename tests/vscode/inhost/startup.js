// The slowest start there is: the extension is activated while the window itself is being loaded. One JSON object: until the
// server is ready, and until it has answered the first command.
const vscode = require('vscode');

exports.run = async () => {
  const extension = vscode.extensions.getExtension('halfwatt.halfwatt');
  const began_ms = performance.now();
  await extension.activate();
  const while_window_loads_ms = Math.round(await extension.exports.ready_ms);
  await vscode.commands.executeCommand('halfwatt.why');
  const first_command_ms = Math.round(performance.now() - began_ms);
  console.log(`[test] ${JSON.stringify({ while_window_loads_ms, first_command_ms })}`);
};
