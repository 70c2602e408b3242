//===- BuiltinShapes.h - shape rules of the builtins ------------*- C++ -*-===//

#ifndef TENON_LIB_LANGUAGE_BUILTINSHAPES_H
#define TENON_LIB_LANGUAGE_BUILTINSHAPES_H

#include "tenon/Language/Builtins.h"

namespace tenon::lang::shape {

Type same(CallShape &call);           // [...] -> [...]
Type clamp(CallShape &call);          // [...] -> [...]
Type concat(CallShape &call);         // [..., A], [..., B] -> [..., A + B]
Type concatRows(CallShape &call);     // [A, C], [B, C] -> [A + B, C]
Type embedding(CallShape &call);      // [T] of ids, [V, C] -> [T, C]
Type flatten(CallShape &call);        // [N, A, ...] -> [N, A * ...]
Type heads(CallShape &call);          // [T, C], n -> [n, T, C / n]
Type linear(CallShape &call);         // [..., K], [N, K], [N] -> [..., N]
Type matmul(CallShape &call);         // [H, M, K], [G, K, N] -> [H, M, N]
Type mergeHeads(CallShape &call);     // [H, T, D] -> [T, H * D]
Type norm(CallShape &call);           // [..., C], [C] (, [C]) -> [..., C]
Type paddingMask(CallShape &call);    // [H, T, S], [S] of bool -> [H, T, S]
Type ending(CallShape &call);         // [T] of token, id -> [T] of token
Type positions(CallShape &call);      // [T] of ids -> [T] of position
Type reduce(CallShape &call);         // [..., N, ...] -> [..., 1, ...]
Type relativeBias(CallShape &call);   // [H, T, T], [B, H] -> [H, T, T]
Type relativeGather(CallShape &call); // [H, T, 2 K] -> [H, T, T]
Type rope(CallShape &call);           // [H, T, D] -> [H, T, D]
Type rotary(CallShape &call);         // -> rotary
Type row(CallShape &call);            // [T, C] -> [1, C]
Type scalarOrSame(CallShape &call);   // number -> float; [...] -> [...]
Type sinusoidal(CallShape &call);     // -> [n, dim]
Type softmax(CallShape &call);        // [..., S], [H] -> [..., S]
Type squareScores(CallShape &call);   // [H, T, T] -> [H, T, T]
Type split(CallShape &call);          // [..., a + b] -> [..., a], [..., b]
Type topK(CallShape &call);           // [T, E] -> [T, E]
Type integer(CallShape &call);        // number or list -> int
Type transpose(CallShape &call);      // [..., M, N] -> [..., N, M]
Type unfold(CallShape &call);         // [C, S] -> [windows, C * size]

} // namespace tenon::lang::shape

#endif // TENON_LIB_LANGUAGE_BUILTINSHAPES_H
