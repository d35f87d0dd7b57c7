#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace trunkline::audio {

// Lets samples rise from silence, or sink to it, in place, along a quarter of a
// sine: the gains of a fade-out and a fade-in of one length are those of equal
// power, their squares add up to one.
//
// The fade is `length` samples long in all and `position` of them lie before
// `samples`, so that it may run over any number of chunks. From its end on
// FadeIn leaves samples as they are and FadeOut leaves silence.
// `length` is in [1, kMaxFadeSamples]; `position` may lie behind it.
inline constexpr size_t kMaxFadeSamples = size_t{1} << 20;
void FadeIn(std::span<int16_t> samples, size_t position, size_t length);
void FadeOut(std::span<int16_t> samples, size_t position, size_t length);

}  // namespace trunkline::audio
