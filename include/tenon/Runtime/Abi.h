/*===- Abi.h - what generated objects and the runtime agree on -------------===
 *
 * The only interface between the code that the compiler generates and the
 * runtime that it is linked with. Plain C: the generated object refers to the
 * runtime by tenon_dispatch and tenon_dispatch_after, that of a model that
 * learns also by tenon_await_turn and tenon_pass_turn, and is found by two
 * symbols, tenon_num_variants and tenon_variants.
 *
 *===----------------------------------------------------------------------===*/
#ifndef TENON_RUNTIME_ABI_H
#define TENON_RUNTIME_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The arguments of one call of an entry point. All pointers are owned by the
 * runtime and live longer than the call; weights, arena and cache are aligned
 * to 64 bytes at least. */
typedef struct TenonFrame {
  const uint8_t *weights; /* the "weights" section, mapped read-only; of a
                             model that learns a copy, which "update" writes */
  uint8_t *arena;         /* scratch of metadata "memory.arena" bytes */
  uint8_t *cache;         /* key/value cache, zero at first; null for encoders.
                             "memory.cache" bytes hold those of
                             "memory.sequences" sequences, one after the other,
                             each with the parts of "memory.caches":
                             "decode_batch" takes all, the others one */
  void *const *buffers;   /* inputs in the order of the entry, then output;
                             between them, for "gradient" and "update", the
                             memories of gradients (as large as the weights)
                             and of moments (twice that), zero at first; then,
                             for "gradient" and "row_gradients" where there is
                             such an entry point, the rows of tables that the
                             first saves of a sequence for the second */
  int64_t numTokens;      /* T: tokens in this call, at most "max_chunk" */
  int64_t position;       /* position of the first of them in the context;
                             "decode_batch" has an input instead */
  int64_t numRows;        /* trailing rows for which the head is computed; 0
                             when no output is wanted */
  int64_t sourceLength;   /* tokens of the source, whose keys and values
                             "encode" has put into the cache; "decode_batch"
                             has an input instead. Of an entry with an input
                             "text_ends": the number of texts */
} TenonFrame;

typedef void (*TenonEntryFn)(const TenonFrame *);

typedef struct TenonEntry {
  const char *name;
  TenonEntryFn fn;
} TenonEntry;

/* One set of kernels, compiled for one kind of CPU. */
typedef struct TenonVariant {
  const char *cpu;      /* LLVM's name, e.g. "znver5" */
  const char *features; /* the CPU features that it needs, in LLVM's names,
                           comma separated: "avx512f,avx512bf16" */
  uint32_t numEntries;
  const TenonEntry *entries;
} TenonVariant;

/* Defined by the generated object; best variant first. */
extern const uint32_t tenon_num_variants;
extern const TenonVariant tenon_variants[];

typedef void (*TenonKernelFn)(void *ctx, int64_t begin, int64_t end);

/* Defined by the runtime: runs fn over [0, n), in chunks of one or more times
 * `grain` that start at multiples of it, on the workers and the calling thread,
 * and returns when all of it is done. n <= grain, or one thread, is a plain
 * call fn(ctx, 0, n): chunks are a hint, fn accepts any range. `op` indexes the
 * metadata's "operations" for the profile. Called by the thread that called the
 * entry point; a call from inside fn runs inline. */
void tenon_dispatch(int32_t op, TenonKernelFn fn, void *ctx, int64_t n,
                    int64_t grain);

/* As tenon_dispatch, after prologue(ctx, 0, 1) on the calling thread, whose
 * time is that of operation op - 1. */
void tenon_dispatch_after(int32_t op, TenonKernelFn prologue, TenonKernelFn fn,
                          void *ctx, int64_t n, int64_t grain);

/* Gradients are added to by sequences of a step in order, each section of them
 * (a weight, or a layer of one) by itself. tenon_await_turn returns when all
 * sequences before that at hand have passed the section; tenon_pass_turn waits
 * likewise, and then passes it. Called by the thread that called "gradient".
 * Sections are numbered below TENON_TURN_SECTIONS. */
enum { TENON_TURN_SECTIONS = 65536 };
void tenon_await_turn(int64_t section);
void tenon_pass_turn(int64_t section);

/* Called by code of `tenonc --check-bounds` before an access outside of its
 * memory: prints the text and aborts. */
void tenon_out_of_bounds(const char *text);

#ifdef __cplusplus
}
#endif

#endif /* TENON_RUNTIME_ABI_H */
