#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace trunkline::audio {

// Lets samples rise from silence, or sink to it, in place, along a quarter of a
// sine: a fade-out and a fade-in over the same time add up to constant power.
//
// The fade is `length` samples long in all and `position` of them lie before
// `samples`, so that it may run over several chunks. Behind its end FadeIn
// leaves samples as they are and FadeOut leaves silence. `length` > 0.
void FadeIn(std::span<int16_t> samples, size_t position, size_t length);
void FadeOut(std::span<int16_t> samples, size_t position, size_t length);

}  // namespace trunkline::audio
