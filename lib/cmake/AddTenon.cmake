# Functions that every CMakeLists.txt of the project uses.

# add_tenon_subdirectories(DIR...): the directories in order.
function(add_tenon_subdirectories)
  foreach(dir ${ARGN})
    add_subdirectory(${dir})
  endforeach()
endfunction()

# The headers that nearly every compiler file includes, compiled once.
function(_tenon_mlir_pch)
  if(NOT TARGET TenonMLIRPCH)
    file(WRITE ${CMAKE_BINARY_DIR}/pch/empty.cpp "")
    add_library(TenonMLIRPCH OBJECT ${CMAKE_BINARY_DIR}/pch/empty.cpp)
    target_compile_options(TenonMLIRPCH PRIVATE -fno-exceptions)
    target_include_directories(TenonMLIRPCH SYSTEM PUBLIC ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
    target_compile_definitions(TenonMLIRPCH PUBLIC ${LLVM_DEFINITIONS_LIST})
    target_precompile_headers(TenonMLIRPCH PRIVATE
      <mlir/Dialect/Func/IR/FuncOps.h>
      <mlir/Dialect/MemRef/IR/MemRef.h>
      <mlir/Dialect/SCF/IR/SCF.h>
      <mlir/Dialect/Arith/IR/Arith.h>
      <mlir/Dialect/Math/IR/Math.h>
      <mlir/Dialect/Tensor/IR/Tensor.h>
      <mlir/Dialect/Vector/IR/VectorOps.h>
      <mlir/Dialect/LLVMIR/LLVMDialect.h>
      <mlir/IR/Builders.h>
      <mlir/IR/BuiltinOps.h>
      <mlir/Pass/Pass.h>
      <mlir/Pass/PassManager.h>
      <mlir/Transforms/DialectConversion.h>
      <mlir/Transforms/GreedyPatternRewriteDriver.h>)
  endif()
endfunction()

separate_arguments(LLVM_DEFINITIONS_LIST NATIVE_COMMAND "${LLVM_DEFINITIONS}")

# add_tenon_library(NAME SOURCES... [MLIR] [DEPENDS targets...] [LINK libs...])
# A static library. MLIR: it may include LLVM and MLIR headers (invariant I2 keeps the runtime
# and the parsers without them), has RTTI on and exceptions off, and uses the precompiled headers.
function(add_tenon_library name)
  cmake_parse_arguments(ARG "MLIR" "" "LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
  if(ARG_MLIR)
    _tenon_mlir_pch()
    target_include_directories(${name} SYSTEM PUBLIC ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
    target_compile_definitions(${name} PUBLIC ${LLVM_DEFINITIONS_LIST})
    target_compile_options(${name} PRIVATE -fno-exceptions)
    target_link_libraries(${name} PUBLIC MLIR LLVM)
    target_precompile_headers(${name} REUSE_FROM TenonMLIRPCH)
  endif()
endfunction()

# add_tenon_tool(NAME SOURCES... [MLIR] [LINK libs...]): a program in build/bin.
function(add_tenon_tool name)
  cmake_parse_arguments(ARG "MLIR" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK})
  if(ARG_MLIR)
    _tenon_mlir_pch()
    target_include_directories(${name} SYSTEM PRIVATE ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
    target_compile_definitions(${name} PRIVATE ${LLVM_DEFINITIONS_LIST})
    target_compile_options(${name} PRIVATE -fno-exceptions)
    target_link_libraries(${name} PRIVATE MLIR LLVM)
    # -fPIC, not the -fPIE of executables: the precompiled header has to agree.
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${name} PRIVATE -fPIC)
    target_precompile_headers(${name} REUSE_FROM TenonMLIRPCH)
  endif()
endfunction()

# add_tenon_unittest(NAME SOURCES... [MLIR] [LINK libs...]): a GoogleTest program, one ctest test.
function(add_tenon_unittest name)
  cmake_parse_arguments(ARG "MLIR" "" "LINK" ${ARGN})
  if(ARG_MLIR)
    add_tenon_tool(${name} ${ARG_UNPARSED_ARGUMENTS} MLIR LINK ${ARG_LINK} GTest::gtest GTest::gtest_main)
  else()
    add_tenon_tool(${name} ${ARG_UNPARSED_ARGUMENTS} LINK ${ARG_LINK} GTest::gtest GTest::gtest_main)
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/Unit)
  add_test(NAME unit-${name} COMMAND ${name})
  set_tests_properties(unit-${name} PROPERTIES TIMEOUT 120
    ENVIRONMENT "TENON_SOURCE_DIR=${CMAKE_SOURCE_DIR};TENON_BINARY_DIR=${CMAKE_BINARY_DIR}")
endfunction()

# tenon_pass_tablegen(GROUP): <Group>Passes.h.inc from <Group>Passes.td, in the current directory.
# Statistics are tenon::PassStatistic, which counts in release builds of LLVM too.
function(tenon_pass_tablegen group)
  set(LLVM_TARGET_DEFINITIONS ${group}Passes.td)
  mlir_tablegen(${group}Passes.raw.inc -gen-pass-decls -name Tenon${group})
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${group}Passes.h.inc)
  add_custom_command(OUTPUT ${output}
    COMMAND sed s/::mlir::Pass::Statistic/::tenon::PassStatistic/ ${group}Passes.raw.inc > ${group}Passes.h.inc
    WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}
    DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/${group}Passes.raw.inc VERBATIM)
  add_custom_target(Tenon${group}PassesIncGen DEPENDS ${output})
endfunction()

# tenon_doc(NAME FILE.td ARGS...): build/docs/NAME.md by mlir-tblgen ARGS; target tenon-doc makes all.
function(tenon_doc name td)
  set(output ${CMAKE_BINARY_DIR}/docs/${name}.md)
  file(GLOB dialect ${CMAKE_SOURCE_DIR}/include/tenon/Dialect/Tenon/IR/*.td)
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/docs
    COMMAND ${MLIR_TABLEGEN_EXE} ${ARGN} ${td} -I ${CMAKE_SOURCE_DIR}/include -I ${MLIR_INCLUDE_DIRS} -o ${output}
    DEPENDS ${td} ${dialect} VERBATIM)
  add_custom_target(tenon-doc-${name} DEPENDS ${output})
  if(NOT TARGET tenon-doc)
    add_custom_target(tenon-doc ALL)
  endif()
  add_dependencies(tenon-doc tenon-doc-${name})
endfunction()

# tenon_cross_runtime(TRIPLE SYSROOT): build/lib/TRIPLE/libTenonRuntime.a, all that compiled executables of another
# architecture are linked with, from the sources of the same libraries. Not part of `all`: runtime-TRIPLE builds it.
function(tenon_cross_runtime triple sysroot)
  set(sources "")
  foreach(library TenonSupport TenonTokenizer TenonTemplate TenonRuntime TenonRuntimeMain TenonRuntimeCommands)
    get_target_property(directory ${library} SOURCE_DIR)
    get_target_property(files ${library} SOURCES)
    list(FILTER files INCLUDE REGEX "\\.cpp$")
    list(TRANSFORM files PREPEND ${directory}/)
    if(library STREQUAL TenonRuntimeCommands)
      set(commands ${files})
    else()
      list(APPEND sources ${files})
    endif()
  endforeach()
  # Numbers as x86-64 computes them: char has a sign, and products are not joined to sums.
  set(options --target=${triple} --sysroot=${sysroot} -fsigned-char -ffp-contract=off -ffunction-sections -fdata-sections)
  add_library(TenonRuntimeCommands-${triple} OBJECT EXCLUDE_FROM_ALL ${commands})
  target_compile_options(TenonRuntimeCommands-${triple} PRIVATE ${options} -Os)
  target_precompile_headers(TenonRuntimeCommands-${triple} PRIVATE <CLI/CLI.hpp> <nlohmann/json.hpp>)
  add_library(TenonRuntime-${triple} STATIC EXCLUDE_FROM_ALL ${sources} $<TARGET_OBJECTS:TenonRuntimeCommands-${triple}>)
  target_compile_options(TenonRuntime-${triple} PRIVATE ${options})
  # The tokenizer's tables of Unicode.
  target_include_directories(TenonRuntime-${triple} PRIVATE ${CMAKE_SOURCE_DIR}/lib/Tokenizer)
  set_target_properties(TenonRuntime-${triple} PROPERTIES OUTPUT_NAME TenonRuntime
    ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/${triple})
  add_custom_target(runtime-${triple} DEPENDS TenonRuntime-${triple})
endfunction()
