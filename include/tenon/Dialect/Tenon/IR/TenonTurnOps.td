//===- TenonTurnOps.td - gradients of several processes -----*- tablegen -*-===//
//
// Processes that learn together add the gradients of their sequences to one
// memory. For sums to have the order that they have in one process, each weight
// is added to in turns, sequence after sequence.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_DIALECT_TENON_IR_TENONTURNOPS_TD
#define TENON_DIALECT_TENON_IR_TENONTURNOPS_TD

include "tenon/Dialect/Tenon/IR/TenonOps.td"

class Tenon_TurnOp<string mnemonic> : Tenon_Op<mnemonic, [MemoryEffects<[MemRead, MemWrite]>]> {
  let arguments = (ins I64Attr:$section, Optional<Index>:$trip);
  let assemblyFormat = "$section (`[` $trip^ `]`)? attr-dict";
  let hasVerifier = 1;
}

def Tenon_AwaitTurnOp : Tenon_TurnOp<"await_turn"> {
  let summary = "waits until earlier sequences are in a gradient";
  let description = [{
    Returns when all sequences of the step that come before the one at hand have
    passed their turn at section `section + trip` of the gradients. In one process
    they always have. A section is what one weight, or one layer of a weight, adds
    up; nothing is said here of which one.

    In memory it is a call of the runtime's `tenon_await_turn`.

    Example: `tenon.await_turn 5[%i]`
  }];
}

def Tenon_PassTurnOp : Tenon_TurnOp<"pass_turn"> {
  let summary = "lets the next sequence add to a gradient";
  let description = [{
    Waits as `tenon.await_turn` does, and lets the next sequence come to the
    section: the one at hand has added there all that it will. In memory it is a
    call of the runtime's `tenon_pass_turn`.

    Example: `tenon.pass_turn 5[%i]`
  }];
}

def Tenon_SaveRowsOp : Tenon_Op<"save_rows", [MemoryEffects<[MemWrite]>]> {
  let summary = "keeps the gradient of a table's rows beyond the call";
  let description = [{
    A sequence's gradient of a table is one of the rows that its tokens have:
    sparse, and small beside the table. This puts it into the sequence's memory
    of such rows, at `offset` numbers a token, for `tenon.saved_rows` in another
    entry point.

    Example: `tenon.save_rows %dy at 0 : tensor<?x64xf32>`
  }];
  let arguments = (ins AnyRankedTensor:$value, I64Attr:$offset);
  let assemblyFormat = "$value `at` $offset attr-dict `:` type($value)";
  let hasVerifier = 1;
}

def Tenon_SavedRowsOp : Tenon_Op<"saved_rows", [MemoryEffects<[MemRead]>]> {
  let summary = "the rows that were saved of a sequence";
  let description = [{
    What `tenon.save_rows` put at `offset`, of as many tokens as `like` has: a view.

    Example: `%dy = tenon.saved_rows 0 like %tokens : tensor<?xi32> -> tensor<?x64xf32>`
  }];
  let arguments = (ins I64Attr:$offset, AnyRankedTensor:$like);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$offset `like` $like attr-dict `:` type($like) `->` type($result)";
  let hasVerifier = 1;
}

#endif // TENON_DIALECT_TENON_IR_TENONTURNOPS_TD
