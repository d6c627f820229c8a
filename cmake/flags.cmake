# Flags of every room.
add_compile_options(-Wall -Wextra -Wnon-virtual-dtor -Wno-missing-field-initializers)
# g++'s plain -Wshadow also takes a constructor's parameter for a member it initialises.
add_compile_options($<IF:$<CXX_COMPILER_ID:GNU>,-Wshadow=local,-Wshadow>)
option(RAILHEAD_WERROR "Treat warnings as errors" OFF)
if(RAILHEAD_WERROR)
  add_compile_options(-Werror)
endif()
if(RAILHEAD_SANITIZE)
  add_compile_options(-fsanitize=${RAILHEAD_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${RAILHEAD_SANITIZE})
endif()
# What is installed has fmt header-only, so that the plugins bring no library of it into slurmctld or slurmstepd. That
# costs a second per source, which test builds save: three of them stand in one test run.
option(RAILHEAD_SHARED_FMT "Link fmt as a shared library: for test builds only" OFF)
if(RAILHEAD_SHARED_FMT)
  find_package(fmt REQUIRED)
  link_libraries(fmt::fmt)
else()
  add_compile_definitions(FMT_HEADER_ONLY=1)
endif()
if(RAILHEAD_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
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
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60)
endfunction()
