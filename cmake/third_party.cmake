# Third-party code, compiled without our warnings and included as system
# headers.
set(nlohmann_json_dir "${TRUNKLINE_THIRD_PARTY}/nlohmann-json-3.11.2")
set(webrtc_vad_dir
    "${TRUNKLINE_THIRD_PARTY}/node-vad-1.1.4/vendor/webrtc_vad")
set(opus_dir "${TRUNKLINE_THIRD_PARTY}/opus-1.3.1")
foreach(dir IN ITEMS
    "${nlohmann_json_dir}" "${webrtc_vad_dir}" "${opus_dir}")
  if(NOT IS_DIRECTORY "${dir}")
    message(FATAL_ERROR "${dir} is missing: run scripts/fetch-third-party")
  endif()
endforeach()

# JSON_NOEXCEPTION is part of the interface: a test that is compiled with
# exceptions must see the same inline functions as the core.
add_library(nlohmann_json INTERFACE)
target_include_directories(nlohmann_json SYSTEM INTERFACE
  "${nlohmann_json_dir}/include")
target_compile_definitions(nlohmann_json INTERFACE JSON_NOEXCEPTION)

# WebRTC's voice activity detector with the part of its signal processing
# library that the detector calls, for the measurements. Include <webrtc_vad.h>.
add_library(webrtc_vad STATIC EXCLUDE_FROM_ALL
  "${webrtc_vad_dir}/vad/vad_core.c"
  "${webrtc_vad_dir}/vad/vad_filterbank.c"
  "${webrtc_vad_dir}/vad/vad_gmm.c"
  "${webrtc_vad_dir}/vad/vad_sp.c"
  "${webrtc_vad_dir}/vad/webrtc_vad.c"
  "${webrtc_vad_dir}/spl/complex_fft.c"
  "${webrtc_vad_dir}/spl/min_max_operations.c"
  "${webrtc_vad_dir}/spl/real_fft.c"
  "${webrtc_vad_dir}/spl/resample_48khz.c"
  "${webrtc_vad_dir}/spl/resample_by_2_internal.c"
  "${webrtc_vad_dir}/spl/resample_fractional.c"
  "${webrtc_vad_dir}/spl/spl_core.c"
  "${webrtc_vad_dir}/spl/spl_init.c"
  "${webrtc_vad_dir}/spl/spl_sqrt.c")
set_target_properties(webrtc_vad PROPERTIES UNITY_BUILD OFF)
target_include_directories(webrtc_vad SYSTEM PUBLIC "${webrtc_vad_dir}/include")
target_include_directories(webrtc_vad PRIVATE "${webrtc_vad_dir}/spl")
target_compile_options(webrtc_vad PRIVATE -w)
if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
  # Its saturating additions overflow on purpose.
  target_compile_options(webrtc_vad PRIVATE -fno-sanitize=undefined)
endif()

# libopus in fixed point and without its floating-point interface: integers
# alone, so that every build writes the same packets. Include <opus.h>, or for
# the SILK encoder by itself <API.h>, <entenc.h> and <main_FIX.h>.
file(GLOB opus_sources
  "${opus_dir}/celt/*.c" "${opus_dir}/silk/*.c" "${opus_dir}/silk/fixed/*.c")
list(FILTER opus_sources EXCLUDE REGEX "/opus_custom_demo\\.c$")
list(APPEND opus_sources
  "${opus_dir}/src/opus.c"
  "${opus_dir}/src/opus_decoder.c"
  "${opus_dir}/src/opus_encoder.c"
  "${opus_dir}/src/repacketizer.c")
set(opus_hot_sources
  celt/celt_lpc.c celt/entenc.c celt/pitch.c
  silk/A2NLSF.c silk/LPC_inv_pred_gain.c
  silk/NLSF_del_dec_quant.c silk/NSQ.c silk/VAD.c silk/VQ_WMat_EC.c
  silk/ana_filt_bank_1.c silk/lin2log.c
  silk/resampler_down2.c silk/shell_coder.c silk/sum_sqr_shift.c
  silk/fixed/apply_sine_window_FIX.c silk/fixed/burg_modified_FIX.c
  silk/fixed/LTP_analysis_filter_FIX.c silk/fixed/find_LTP_FIX.c
  silk/fixed/pitch_analysis_core_FIX.c
  silk/fixed/schur64_FIX.c silk/fixed/vector_ops_FIX.c)
set_source_files_properties("${opus_dir}/silk/fixed/find_pred_coefs_FIX.c"
  PROPERTIES COMPILE_OPTIONS
  "-include;${CMAKE_CURRENT_LIST_DIR}/shims/opus_prediction_gain.h")
set_source_files_properties("${opus_dir}/silk/process_NLSFs.c"
  PROPERTIES COMPILE_OPTIONS
  "-include;${CMAKE_CURRENT_LIST_DIR}/shims/opus_spectral_lines.h")
if(TRUNKLINE_WASM)
  list(REMOVE_ITEM opus_sources "${opus_dir}/silk/LPC_analysis_filter.c")
  list(APPEND opus_sources
    "${CMAKE_CURRENT_LIST_DIR}/shims/opus_analysis_filter.c")
endif()
add_library(opus STATIC ${opus_sources})
set_target_properties(opus PROPERTIES UNITY_BUILD OFF)
target_include_directories(opus SYSTEM PUBLIC "${opus_dir}/include"
  "${opus_dir}/celt" "${opus_dir}/silk" "${opus_dir}/silk/fixed")
target_compile_definitions(opus PUBLIC FIXED_POINT DISABLE_FLOAT_API
  PRIVATE OPUS_BUILD VAR_ARRAYS DISABLE_WARNINGS)
target_compile_options(opus PRIVATE -w)
if(TRUNKLINE_WASM)
  # In celt/arch.h, and nowhere else, this macro selects what x86-64 does:
  # products of 32 bits by way of 64. The other way rounds differently.
  target_compile_definitions(opus PRIVATE _WIN64)
  # Small, but for where an encoder of complexity 0 spends its time: a sixth
  # faster, for a third of the bytes that -O3 for all would add.
  target_compile_options(opus PRIVATE -Os)
  list(TRANSFORM opus_hot_sources PREPEND "${opus_dir}/")
  list(APPEND opus_hot_sources
    "${CMAKE_CURRENT_LIST_DIR}/shims/opus_analysis_filter.c")
  set_source_files_properties(${opus_hot_sources} PROPERTIES
    COMPILE_OPTIONS -O3)
  set_source_files_properties("${opus_dir}/celt/pitch.c" PROPERTIES
    COMPILE_OPTIONS
    "-O3;-include;${CMAKE_CURRENT_LIST_DIR}/shims/opus_kernels.h")
  set_source_files_properties("${opus_dir}/silk/NSQ.c" PROPERTIES
    COMPILE_OPTIONS
    "-O3;-include;${CMAKE_CURRENT_LIST_DIR}/shims/opus_quantizer.h")
endif()
