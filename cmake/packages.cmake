# The .deb packages, by CPack: what `cmake --install --component` puts down, and what apt must know of it. packaging/build makes
# them. A build makes one: `railhead` (static, for every suite), or `railhead-slurm` for the Slurm that it was compiled against.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_CONTACT "The Railhead maintainers <railhead@localhost>")
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_VERSION ${PROJECT_VERSION})

if(RAILHEAD_LAUNCHER)
  set(CPACK_COMPONENTS_ALL railhead)
  set(CPACK_DEBIAN_RAILHEAD_PACKAGE_NAME railhead)
  set(CPACK_COMPONENT_RAILHEAD_DESCRIPTION "starts GPU jobs on Slurm right
railhead brings up Ray and plain tasks inside of a Slurm allocation, checks the nodes first, and says in one sentence why a
job cannot start. The program is static and needs nothing else on a node.")
else()
  # slurmctld takes a submit plugin of exactly its own version, micro included (src/interfaces/job_submit.c); Debian's later
  # revisions of it are the same version. slurmctld, slurmd and slurm-client each need exactly their own basic plugins.
  file(STRINGS ${RAILHEAD_SLURM_INCLUDE}/slurm/slurm_version.h _number REGEX "define SLURM_VERSION_NUMBER ")
  string(REGEX MATCH "0x[0-9a-fA-F]+" _number "${_number}")
  math(EXPR _major "(${_number} >> 16) & 255")
  math(EXPR _minor "(${_number} >> 8) & 255")
  math(EXPR _micro "${_number} & 255")
  math(EXPR _next "${_micro} + 1")
  string(REGEX REPLACE "^(.)$" "0\\1" _minor ${_minor})
  set(_slurm ${_major}.${_minor})
  execute_process(COMMAND getconf GNU_LIBC_VERSION OUTPUT_VARIABLE _libc OUTPUT_STRIP_TRAILING_WHITESPACE)
  string(REPLACE "glibc " "" _libc "${_libc}")

  set(CPACK_COMPONENTS_ALL railhead-slurm)
  set(CPACK_DEBIAN_PACKAGE_VERSION ${PROJECT_VERSION}+slurm${_slurm}.${_micro})
  set(CPACK_DEBIAN_RAILHEAD-SLURM_PACKAGE_NAME railhead-slurm)
  set(CPACK_DEBIAN_RAILHEAD-SLURM_PACKAGE_DEPENDS
      "libc6 (>= ${_libc}), slurm-wlm-basic-plugins (>= ${_slurm}.${_micro}), slurm-wlm-basic-plugins (<< ${_slurm}.${_next}~)")
  set(CPACK_DEBIAN_RAILHEAD-SLURM_PACKAGE_RECOMMENDS railhead)
  set(CPACK_DEBIAN_RAILHEAD-SLURM_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/prerm)
  set(CPACK_COMPONENT_RAILHEAD-SLURM_DESCRIPTION "plugins of Slurm ${_slurm}.${_micro} for GPU jobs
job_submit_railhead.so refuses a GPU request that Slurm would never start, in one sentence; spank_railhead.so gives sbatch, srun
and salloc options and cleans up after launches. Nothing is switched on before slurm.conf and plugstack.conf say so.")
endif()
include(CPack)
