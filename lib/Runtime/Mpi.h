//===- Mpi.h - the few words of MPI that a group needs ----------*- C++ -*-===//
//
// Open MPI, loaded at run time where mpirun has started the program: who is
// there, and whether all are on one machine. What they share is memory.
//
//===----------------------------------------------------------------------===//
#ifndef TENON_LIB_RUNTIME_MPI_H
#define TENON_LIB_RUNTIME_MPI_H

#include "tenon/Support/Error.h"

#include <cstddef>
#include <memory>

namespace tenon::runtime {

class Mpi {
public:
  /// Loads the library and takes part (MPI_Init). Errors: BadUsage, with what
  /// is missing; processes on several machines.
  static Expected<std::unique_ptr<Mpi>> join();

  int rank() const { return number; }
  int size() const { return processes; }
  /// What the first has there, in all (MPI_Bcast).
  void broadcast(void *bytes, size_t size);
  void barrier();
  /// The end of all (MPI_Finalize).
  void finish();

private:
  Mpi() = default;
  template <typename Function> Function *find(const char *name) const;

  void *library = nullptr;
  int number = 0, processes = 1;
  /// MPI_COMM_WORLD and MPI_BYTE are addresses of these in Open MPI.
  void *world = nullptr, *byte = nullptr;
};

} // namespace tenon::runtime

#endif // TENON_LIB_RUNTIME_MPI_H
