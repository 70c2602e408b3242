//===- LanguageServer.cpp - descriptions in editors -----------------------===//

#include "tenon/LanguageServer/LanguageServer.h"

#include "Document.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/LSP/Logging.h"
#include "llvm/Support/LSP/Transport.h"
#include "llvm/Support/Program.h"

using namespace tenon;
using namespace llvm;
using namespace llvm::lsp;

namespace {

/// What LLVM's protocol lacks.
struct FormattingParams {
  TextDocumentIdentifier textDocument;
};

bool fromJSON(const json::Value &value, FormattingParams &result,
              json::Path path) {
  json::ObjectMapper mapper(value, path);
  return mapper && mapper.map("textDocument", result.textDocument);
}

class Server {
public:
  explicit Server(JSONTransport &transport) : handler(transport) {
    publish = handler.outgoingNotification<PublishDiagnosticsParams>(
        "textDocument/publishDiagnostics");
    handler.method("initialize", this, &Server::initialize);
    handler.notification("initialized", this, &Server::initialized);
    handler.method("shutdown", this, &Server::shutdown);
    handler.notification("textDocument/didOpen", this, &Server::open);
    handler.notification("textDocument/didChange", this, &Server::change);
    handler.notification("textDocument/didClose", this, &Server::close);
    handler.method("textDocument/hover", this, &Server::hover);
    handler.method("textDocument/definition", this, &Server::definition);
    handler.method("textDocument/references", this, &Server::references);
    handler.method("textDocument/completion", this, &Server::completion);
    handler.method("textDocument/documentSymbol", this, &Server::symbols);
    handler.method("textDocument/formatting", this, &Server::formatting);
  }

  MessageHandler handler;
  bool isShutDown = false;

private:
  void initialize(const InitializeParams &, Callback<json::Value> reply) {
    reply(
        json::Object{{"capabilities",
                      json::Object{
                          {"textDocumentSync",
                           json::Object{{"openClose", true}, {"change", 2}}},
                          {"hoverProvider", true},
                          {"definitionProvider", true},
                          {"referencesProvider", true},
                          {"completionProvider", json::Object{}},
                          {"documentSymbolProvider", true},
                          {"documentFormattingProvider", true},
                      }},
                     {"serverInfo", json::Object{{"name", "tenon-lsp-server"},
                                                 {"version", TENON_VERSION}}}});
  }
  void initialized(const InitializedParams &) {}
  void shutdown(const NoParams &, Callback<std::nullptr_t> reply) {
    isShutDown = true;
    reply(nullptr);
  }

  void open(const DidOpenTextDocumentParams &params) {
    const TextDocumentItem &item = params.textDocument;
    auto &document = documents[item.uri.file()];
    document = std::make_unique<Document>(item.uri, item.text, item.version);
    publishOf(*document);
  }
  void change(const DidChangeTextDocumentParams &params) {
    Document *document = find(params.textDocument.uri);
    if (!document)
      return;
    std::string text = document->text();
    if (failed(TextDocumentContentChangeEvent::applyTo(params.contentChanges,
                                                       text))) {
      Logger::error("a change of {0} is outside of its text",
                    params.textDocument.uri.file());
      return;
    }
    document->update(std::move(text), params.textDocument.version);
    publishOf(*document);
  }
  void close(const DidCloseTextDocumentParams &params) {
    if (documents.erase(params.textDocument.uri.file()))
      publish(PublishDiagnosticsParams(params.textDocument.uri, 0));
  }

  void hover(const TextDocumentPositionParams &params,
             Callback<std::optional<Hover>> reply) {
    Document *document = find(params.textDocument.uri);
    reply(document ? document->hover(params.position) : std::nullopt);
  }
  void definition(const TextDocumentPositionParams &params,
                  Callback<std::vector<Location>> reply) {
    Document *document = find(params.textDocument.uri);
    reply(document ? document->definition(params.position)
                   : std::vector<Location>());
  }
  void references(const ReferenceParams &params,
                  Callback<std::vector<Location>> reply) {
    Document *document = find(params.textDocument.uri);
    reply(document ? document->references(params.position,
                                          params.context.includeDeclaration)
                   : std::vector<Location>());
  }
  void completion(const CompletionParams &params,
                  Callback<CompletionList> reply) {
    Document *document = find(params.textDocument.uri);
    reply(document ? document->completion(params.position) : CompletionList());
  }
  void symbols(const DocumentSymbolParams &params,
               Callback<std::vector<DocumentSymbol>> reply) {
    Document *document = find(params.textDocument.uri);
    reply(document ? document->symbols() : std::vector<DocumentSymbol>());
  }
  void formatting(const FormattingParams &params,
                  Callback<std::vector<TextEdit>> reply) {
    Document *document = find(params.textDocument.uri);
    reply(document ? document->format() : std::vector<TextEdit>());
  }

  Document *find(const URIForFile &uri) {
    auto it = documents.find(uri.file());
    return it == documents.end() ? nullptr : it->second.get();
  }
  void publishOf(const Document &document) {
    PublishDiagnosticsParams params(document.uri(), document.version());
    params.diagnostics = document.diagnostics();
    publish(params);
  }

  StringMap<std::unique_ptr<Document>> documents;
  OutgoingNotification<PublishDiagnosticsParams> publish;
};

} // namespace

int tenon::runLanguageServer(bool isTest) {
  if (isTest)
    URIForFile::registerSupportedScheme("test");
  sys::ChangeStdinToBinary();
  Logger::setLogLevel(Logger::Level::Error);
  JSONTransport transport(stdin, outs(),
                          isTest ? JSONStreamStyle::Delimited
                                 : JSONStreamStyle::Standard,
                          /*PrettyOutput=*/isTest);
  Server server(transport);
  if (llvm::Error error = transport.run(server.handler)) {
    Logger::error("{0}", toString(std::move(error)));
    return 1;
  }
  return server.isShutDown ? 0 : 1;
}
