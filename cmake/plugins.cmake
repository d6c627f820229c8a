# Where this Slurm looks for plugins, and how they are linked and installed.

# The folder of libslurmfull.so is Slurm's PluginDir in every packaging; on Debian it has a fixed name.
find_file(RAILHEAD_LIBSLURMFULL libslurmfull.so
          PATHS /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE} /usr/lib64 /usr/lib /usr/local/lib
          PATH_SUFFIXES slurm-wlm slurm NO_DEFAULT_PATH)
if(RAILHEAD_LIBSLURMFULL)
  get_filename_component(_plugin_dir ${RAILHEAD_LIBSLURMFULL} DIRECTORY)
elseif(EXISTS /etc/debian_version)
  set(_plugin_dir /usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}/slurm-wlm)
else()
  set(_plugin_dir ${CMAKE_INSTALL_FULL_LIBDIR}/slurm)
endif()
set(RAILHEAD_PLUGIN_DIR ${_plugin_dir} CACHE PATH "Slurm's PluginDir (scontrol show config | grep PluginDir)")

# railhead_slurm_plugin(TARGET MAP): a plugin that exports the names of MAP only, brings its own C++ runtime,
# stays mapped after dlclose (its thread may run), and is installed into Slurm's PluginDir.
function(railhead_slurm_plugin target map)
  set_target_properties(${target} PROPERTIES PREFIX "" LINK_DEPENDS ${map})
  target_link_options(${target} PRIVATE -Wl,--version-script=${map} -Wl,-z,nodelete -Wl,-z,relro
                                        -Wl,--exclude-libs,ALL)
  if(NOT RAILHEAD_SANITIZE)
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
  install(TARGETS ${target} LIBRARY DESTINATION ${RAILHEAD_PLUGIN_DIR} COMPONENT railhead-slurm)
endfunction()
