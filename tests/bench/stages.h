#pragma once

#include <cstddef>
#include <span>

// The audio stages as `npm run bench:audio` times them: natively, and in a
// module of their own for each of the two wasm builds.
//
// To add a stage: in stages.cc, a struct that a frame of 20 ms goes through
// with Frame(), and a row of kStages. To compare it: a row with the same name
// in library_stages.cc (native) or npm_stages.ts (what a Worker's developer
// takes from npm).

namespace trunkline::bench {

struct Stage {
  // The same in every table; the unit of time is a frame of 20 ms.
  const char* name;
  // What one call keeps between frames, allocations included; 0 for none.
  size_t state_bytes;
  // What the stage is made of, for its size: files of wasm/ less .cc, or
  // third-party libraries of cmake/, separated by spaces. "" for no size.
  const char* parts;
  // What a frame may take in the wasi build, us; 0 for no target. The run fails
  // above three times as much: machines and their neighbours differ.
  double target_us;
  // Takes `frames` frames through the stage, which is constructed by the first
  // call and goes on from there.
  void (*run)(size_t frames);
};

std::span<const Stage> Stages();

// A library's way to do the same.
struct LibraryStage {
  const char* name;
  const char* library;
  size_t state_bytes;
  void (*run)(size_t frames);
};

// Native only.
std::span<const LibraryStage> LibraryStages();

}  // namespace trunkline::bench
