#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace trunkline::audio {

// Goes from `from` over to `to` with equal power: the gains are a quarter of a
// sine and of a cosine. What goes beyond full scale is soft limited.
//
// The fade is `length` samples long in all and `position` of them lie before
// these, so that it may run over any number of chunks; from its end on `out` is
// `to`. All three have one size; `out` may be either of the others.
// `length` is in [1, kMaxFadeSamples] of fade.h; `position` may lie behind it.
void CrossFade(std::span<const int16_t> from, std::span<const int16_t> to,
               std::span<int16_t> out, size_t position, size_t length);

}  // namespace trunkline::audio
