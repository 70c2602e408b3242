//===- Mpi.cpp - the few words of MPI that a group needs ------------------===//
#include "Mpi.h"

#include "tenon/Support/Strings.h"

#include <dlfcn.h>

using namespace tenon;
using namespace tenon::runtime;

/// Open MPI 2 to 4: handles are addresses, and what is declared here is what
/// its mpi.h says.
static constexpr const char *kLibrary = "libmpi.so.40";
static constexpr int kSharedType = 0; // MPI_COMM_TYPE_SHARED

template <typename Function> Function *Mpi::find(const char *name) const {
  return reinterpret_cast<Function *>(dlsym(library, name));
}

Expected<std::unique_ptr<Mpi>> Mpi::join() {
  std::unique_ptr<Mpi> mpi(new Mpi());
  // Its components look for symbols of it themselves.
  mpi->library = dlopen(kLibrary, RTLD_NOW | RTLD_GLOBAL);
  if (!mpi->library)
    return withNote(
        plainError(strCat("mpirun has started this program, but Open MPI's "
                          "library cannot be loaded: ",
                          dlerror()),
                   ExitCode::BadUsage),
        "--processes N, without mpirun, shares out a training on this machine");
  mpi->world = dlsym(mpi->library, "ompi_mpi_comm_world");
  mpi->byte = dlsym(mpi->library, "ompi_mpi_byte");
  void *noInfo = dlsym(mpi->library, "ompi_mpi_info_null");
  auto *init = mpi->find<int(int *, char ***)>("MPI_Init");
  auto *rank = mpi->find<int(void *, int *)>("MPI_Comm_rank");
  auto *size = mpi->find<int(void *, int *)>("MPI_Comm_size");
  auto *split =
      mpi->find<int(void *, int, int, void *, void **)>("MPI_Comm_split_type");
  if (!mpi->world || !mpi->byte || !noInfo || !init || !rank || !size ||
      !split || !dlsym(mpi->library, "MPI_Bcast") ||
      !dlsym(mpi->library, "MPI_Barrier") ||
      !dlsym(mpi->library, "MPI_Finalize"))
    return plainError(strCat(kLibrary, " is not the library of Open MPI that "
                                       "this program knows"),
                      ExitCode::BadUsage);
  // Errors of MPI end all processes (MPI_ERRORS_ARE_FATAL).
  init(nullptr, nullptr);
  rank(mpi->world, &mpi->number);
  size(mpi->world, &mpi->processes);
  void *machine = nullptr;
  int here = 0;
  split(mpi->world, kSharedType, mpi->number, noInfo, &machine);
  size(machine, &here);
  if (here != mpi->processes)
    return plainError(
        strCat("mpirun has started ", mpi->processes, " processes, of which ",
               here,
               " are on this machine: those that learn together share "
               "memory, and have to be on one"),
        ExitCode::BadUsage);
  return mpi;
}

void Mpi::broadcast(void *bytes, size_t size) {
  find<int(void *, int, void *, int, void *)>("MPI_Bcast")(
      bytes, static_cast<int>(size), byte, 0, world);
}

void Mpi::barrier() { find<int(void *)>("MPI_Barrier")(world); }

void Mpi::finish() { find<int()>("MPI_Finalize")(); }
