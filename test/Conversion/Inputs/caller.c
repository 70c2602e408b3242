// Calls functions of a shared object as lines of standard input say: caller LIBRARY MEMORY SIZE.
// First prints the address that the file MEMORY is mapped at; then, for each line "symbol count integers...", "done".
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { kMost = 16 };
typedef void (*Function)(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t,
                         int64_t, int64_t, int64_t, int64_t, int64_t, int64_t);

int main(int argc, char **argv) {
  void *library = dlopen(argv[1], RTLD_NOW);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  int file = open(argv[2], O_RDWR);
  void *memory = mmap(NULL, strtoull(argv[3], NULL, 10), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED)
    return 1;
  printf("%lld\n", (long long)(intptr_t)memory);
  fflush(stdout);
  char symbol[512];
  int count;
  while (scanf("%511s %d", symbol, &count) == 2) {
    int64_t a[kMost] = {0};
    if (count > kMost)
      return 1;
    for (int i = 0; i < count; ++i) {
      long long value;
      if (scanf("%lld", &value) != 1)
        return 1;
      a[i] = value;
    }
    Function function = (Function)dlsym(library, symbol);
    if (!function) {
      fprintf(stderr, "no %s\n", symbol);
      return 1;
    }
    function(a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8], a[9], a[10], a[11], a[12], a[13], a[14], a[15]);
    puts("done");
    fflush(stdout);
  }
  return 0;
}
