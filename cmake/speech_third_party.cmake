# flite and pocketsphinx, for the modules in speech/. Compiled without our
# warnings and included as system headers. Their assertions stay on: one that
# does not hold is a trap, which costs an answer.
set(flite_dir "${TRUNKLINE_THIRD_PARTY}/flite-2.2")
set(sphinxbase_dir "${TRUNKLINE_THIRD_PARTY}/sphinxbase-5prealpha")
set(pocketsphinx_dir "${TRUNKLINE_THIRD_PARTY}/pocketsphinx-5prealpha")
foreach(dir IN ITEMS
    "${flite_dir}" "${sphinxbase_dir}" "${pocketsphinx_dir}")
  if(NOT IS_DIRECTORY "${dir}")
    message(FATAL_ERROR "${dir} is missing: run scripts/fetch-third-party")
  endif()
endforeach()
# American English at 16 kHz: acoustic model and pronouncing dictionary.
set(pocketsphinx_model_dir "${pocketsphinx_dir}/model/en-us")
set(speech_shims "${CMAKE_CURRENT_LIST_DIR}/shims")

# Makes library `name` of third-party sources. What they would ask of a host is
# in speech_host.h. Contraction is off as in our own files, so that natively
# they compute as in the module.
function(trunkline_speech_library name)
  add_library(${name} STATIC EXCLUDE_FROM_ALL ${ARGN})
  target_compile_options(${name} PRIVATE -w -UNDEBUG -ffp-contract=off
    -fno-strict-aliasing
    "SHELL:-include \"${speech_shims}/speech_host.h\"")
  if(CMAKE_C_COMPILER_ID STREQUAL "Clang" AND NOT EMSCRIPTEN)
    # Functions of one pointer are kept as functions of another, as C once let.
    target_compile_options(${name} PRIVATE
      -Wno-incompatible-function-pointer-types)
    # What their arithmetic does on purpose, and what every machine of ours does
    # alike: shifts of negative numbers, words that are not aligned, and scores
    # too low for an integer. All else is checked.
    target_compile_options(${name} PRIVATE
      -fno-sanitize=shift,alignment,float-cast-overflow)
  endif()
  target_include_directories(${name} SYSTEM BEFORE PUBLIC
    "${speech_shims}/speech")
  set_target_properties(${name} PROPERTIES
    C_EXTENSIONS ON UNITY_BUILD OFF)
endfunction()

# The synthesiser without audio devices, sockets, voice files and markup, with
# the language and the lexicon of its American voices. Include <flite.h>.
file(GLOB flite_sources
  "${flite_dir}/src/hrg/*.c" "${flite_dir}/src/lexicon/*.c"
  "${flite_dir}/src/regex/*.c" "${flite_dir}/src/speech/*.c"
  "${flite_dir}/src/stats/*.c" "${flite_dir}/src/synth/*.c"
  "${flite_dir}/src/utils/*.c" "${flite_dir}/src/wavesynth/*.c"
  "${flite_dir}/src/cg/*.c"
  "${flite_dir}/lang/usenglish/*.c")
list(FILTER flite_sources EXCLUDE REGEX
  "/(regsub|cst_ssml|cst_args|cst_error|cst_socket|cst_url|cst_cg_(dump|load)_voice|cst_(file|mmap)_[a-z0-9]+)\\.c$")
foreach(file IN ITEMS
    cmu_lts_rules cmu_lts_model cmu_lex cmu_lex_entries cmu_lex_data
    cmu_postlex)
  list(APPEND flite_sources "${flite_dir}/lang/cmulex/${file}.c")
endforeach()
trunkline_speech_library(flite ${flite_sources}
  "${speech_shims}/speech/flite_host.c")
target_include_directories(flite SYSTEM PUBLIC "${flite_dir}/include")
target_include_directories(flite PRIVATE
  "${flite_dir}/lang/usenglish" "${flite_dir}/lang/cmulex")
target_compile_definitions(flite PUBLIC DIE_ON_ERROR CST_NO_SOCKETS)

# A voice is tables.
foreach(voice IN ITEMS kal slt rms)
  file(GLOB voice_sources "${flite_dir}/lang/cmu_us_${voice}/*.c")
  trunkline_speech_library(flite_${voice} ${voice_sources})
  target_include_directories(flite_${voice} PRIVATE
    "${flite_dir}/lang/usenglish" "${flite_dir}/lang/cmulex")
  target_link_libraries(flite_${voice} PUBLIC flite)
endforeach()

# The recogniser without threads, microphones and memory maps of files, which
# speech/recognizer/memory_files.cc has instead. Include <pocketsphinx.h>.
file(GLOB sphinx_sources
  "${sphinxbase_dir}/src/libsphinxbase/*/*.c"
  "${pocketsphinx_dir}/src/libpocketsphinx/*.c")
list(FILTER sphinx_sources EXCLUDE REGEX
  "/(err|mmio|profile|sbthread|yin|slapack_lite|blas_lite|slamch)\\.c$")
trunkline_speech_library(pocketsphinx ${sphinx_sources}
  "${speech_shims}/speech/sphinx_host.c")
target_include_directories(pocketsphinx SYSTEM PUBLIC
  "${sphinxbase_dir}/include" "${pocketsphinx_dir}/include")
target_include_directories(pocketsphinx PRIVATE
  "${pocketsphinx_dir}/src/libpocketsphinx")
target_compile_definitions(pocketsphinx PRIVATE HAVE_CONFIG_H)
