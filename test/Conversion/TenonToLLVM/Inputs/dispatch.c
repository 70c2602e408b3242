/* A serial tenon_dispatch. tenon_chunk: tasks handed to a kernel at a time,
 * last ones first, to show that neither grouping nor order matters; 0: all. */
#include <stdint.h>

int tenon_chunk = 0;

void tenon_dispatch(int32_t op, void (*fn)(void *, int64_t, int64_t), void *ctx,
                    int64_t n, int64_t grain) {
  if (tenon_chunk == 0) {
    fn(ctx, 0, n);
    return;
  }
  for (int64_t i = n; i > 0; i -= tenon_chunk)
    fn(ctx, i > tenon_chunk ? i - tenon_chunk : 0, i);
}

void tenon_dispatch_after(int32_t op, void (*prologue)(void *, int64_t, int64_t),
                          void (*fn)(void *, int64_t, int64_t), void *ctx,
                          int64_t n, int64_t grain) {
  prologue(ctx, 0, 1);
  tenon_dispatch(op, fn, ctx, n, grain);
}
