'use strict';
// Starts tenon-lsp-server for descriptions, and once more for IR.

const vscode = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

const clients = [];

function start(language, args) {
  const command = vscode.workspace.getConfiguration('tenon').get('server');
  const client = new LanguageClient(`tenon-${language}`, `Tenon (${language})`, { command, args },
    { documentSelector: [{ scheme: 'file', language }] });
  clients.push(client);
  return client.start();
}

exports.activate = () => Promise.all([start('tenon', []), start('mlir', ['--mlir'])]);
exports.deactivate = () => Promise.all(clients.map((client) => client.stop()));
