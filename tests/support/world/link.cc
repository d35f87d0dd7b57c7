#include "support/world/link.h"

#include <algorithm>
#include <utility>

namespace trunkline::test {

void Link::Send(Message message) {
  on_its_way_.push_back(std::move(message));
  last_arrival_ = std::max(last_arrival_,
                           clock_.now() + delay_ + clock_.RandomDelay(jitter));
  clock_.At(last_arrival_, [this, run = run_] { Arrive(run); });
}

void Link::Break() {
  on_its_way_.clear();
  ++run_;
}

void Link::Arrive(uint64_t run) {
  if (run != run_) return;
  const Message message = std::move(on_its_way_.front());
  on_its_way_.pop_front();
  arrive_(message);
}

}  // namespace trunkline::test
