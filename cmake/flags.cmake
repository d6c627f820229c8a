# Flags of every room.
add_compile_options(-Wall -Wextra -Wnon-virtual-dtor -Wno-missing-field-initializers)
# g++'s plain -Wshadow also takes a constructor's parameter for a member it initialises.
add_compile_options($<IF:$<CXX_COMPILER_ID:GNU>,-Wshadow=local,-Wshadow>)
if(CMAKE_UNITY_BUILD)
  # Where several sources are compiled as one, GCC 12 sees copies that overlap (its bug 105651), and to clang a local name shadows
  # one of another source's unnamed namespace.
  add_compile_options($<IF:$<CXX_COMPILER_ID:GNU>,-Wno-restrict,-Wno-shadow>)
endif()
option(RAILHEAD_WERROR "Treat warnings as errors" OFF)
if(RAILHEAD_WERROR)
  add_compile_options(-Werror)
endif()
if(RAILHEAD_SANITIZE)
  add_compile_options(-fsanitize=${RAILHEAD_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${RAILHEAD_SANITIZE})
endif()
if(RAILHEAD_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
add_library(railhead_fmt STATIC ${PROJECT_SOURCE_DIR}/cmake/fmt.cpp)
link_libraries(railhead_fmt)
add_compile_definitions(TOML_EXCEPTIONS=0 RAILHEAD_VERSION="${PROJECT_VERSION}")
include_directories(${PROJECT_SOURCE_DIR})

# railhead_room(NAME SOURCES... LINKS...): a static library railhead_NAME of one room.
function(railhead_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;LINKS" ${ARGN})
  add_library(railhead_${name} STATIC ${ROOM_SOURCES})
  target_link_libraries(railhead_${name} PUBLIC ${ROOM_LINKS})
endfunction()

# railhead_test(NAME SOURCES... LINKS...): a GoogleTest program whose cases ctest lists one by one.
function(railhead_test name)
  cmake_parse_arguments(TEST "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${TEST_SOURCES})
  target_link_libraries(${name} PRIVATE ${TEST_LINKS} GTest::gmock_main)
  target_compile_definitions(${name} PRIVATE RAILHEAD_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  # Most of the time that a test takes to compile goes into GoogleTest's headers.
  set_target_properties(${name} PROPERTIES UNITY_BUILD ON)
  target_compile_options(${name} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>) # an unnamed namespace is in no header there
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60)
endfunction()
