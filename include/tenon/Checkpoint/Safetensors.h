//===- Safetensors.h - Hugging Face's tensor files ---------------*- C++
//-*-===//
//
// Format: https://huggingface.co/docs/safetensors. Eight bytes hold the length
// N of a JSON header, little-endian; N bytes of header name each tensor's
// dtype, shape and range; the ranges cover the rest of the file exactly.
//
//===----------------------------------------------------------------------===//

#ifndef TENON_CHECKPOINT_SAFETENSORS_H
#define TENON_CHECKPOINT_SAFETENSORS_H

#include "tenon/Checkpoint/Checkpoint.h"

#include <memory>

namespace tenon {

/// `path`: a .safetensors file, a model.safetensors.index.json, or a directory
/// that holds model.safetensors or that index (or just one .safetensors file).
///
/// Errors name the file and the place: a header that is too long, no JSON or
/// nested too deep; duplicate names; unknown dtypes; ranges that overlap, leave
/// holes or the file, or don't fit shape times width; shards that are missing
/// or lie outside of the directory; tensors that the index puts elsewhere.
///
/// A name with `*` finds all tensors with a number there, 0, 1, …, as one: they
/// must have one type and shape, before which comes how many they are.
Expected<std::unique_ptr<Checkpoint>> openSafetensors(const std::string &path);

/// The same tensors, but for matrices that Transformers has quantized to MXFP4:
/// NAME_blocks and NAME_scales are one tensor NAME [..., rows, columns] of
/// DType::MXFP4, that is joined when it is read.
///
/// Errors, with the file and the tensor: scales that are missing; types or
/// shapes that are no such matrix; a tensor NAME beside them.
Expected<std::unique_ptr<Checkpoint>>
joinMxfp4(std::unique_ptr<Checkpoint> parts);

} // namespace tenon

#endif // TENON_CHECKPOINT_SAFETENSORS_H
