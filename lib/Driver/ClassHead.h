//===- ClassHead.h - a new head for labels on a model -----------*- C++ -*-===//
#ifndef TENON_LIB_DRIVER_CLASSHEAD_H
#define TENON_LIB_DRIVER_CLASSHEAD_H

#include "Frontend.h"

namespace tenon {

/// Reads what follows `--train=`:
/// "head:classes=3,labels=a|b|c,of=texts|tokens,body=learns|frozen,seed=1", of
/// which classes or labels are needed. Errors: BadUsage, with what is wrong.
Expected<HeadOptions> parseHeadOptions(llvm::StringRef text);

/// Makes of a bound model the one that its family's class for labels is,
/// "...ForSequenceClassification" or "...ForTokenClassification": with that
/// class and the labels in the configuration, bound again, on a checkpoint that
/// has the tensors of the class's head, too, all under the names that the
/// class gives them. What its head shares with another head that the file has
/// is kept.
/// Errors: a description that names no such class; BadInput if the model does
/// not bind as one.
Status addHead(const HeadOptions &options, LoadedModel &loaded);

/// Says in the imported module what the tensors of the new head begin with:
/// matrices as Transformers draws them, biases with 0, scales of norms with 1.
/// With a frozen body nothing else learns.
void markHead(mlir::ModuleOp module, const HeadOptions &options,
              const LoadedModel &model);

} // namespace tenon

#endif // TENON_LIB_DRIVER_CLASSHEAD_H
