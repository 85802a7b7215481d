// SPDX-License-Identifier: MIT
// Frames as they come, time, a NIC that misbehaves, and an application: the plain steps of script.hpp.
#include "script.hpp"

namespace strata::fuzz {

void player::note(step s, std::initializer_list<unsigned> arguments) {
  if (record == nullptr) return;
  record->push_back(static_cast<std::byte>(s));
  for (const unsigned a : arguments) record->push_back(static_cast<std::byte>(a));
}
void player::pass(std::uint8_t e) {
  note(step::pass, {e});
  w.pass(std::uint64_t{1} << e % 36);
}
void player::turn(std::uint8_t frames) {
  note(step::turn, {frames});
  w.poll(frames);
}
bool player::deadline() {
  note(step::deadline, {0});
  return w.poll_at_deadline();
}
void player::tell(std::uint8_t what, std::uint8_t who, std::uint16_t n) {
  note(step::call, {what, who, n & 0xffu, static_cast<unsigned>(n >> 8)});
  w.tell(static_cast<call>(what % static_cast<unsigned>(call::count)), who, n);
}
void player::misbehave(std::uint8_t bits) {
  note(step::nic, {bits});
  w.misbehave(bits);
}
void player::deliver(octets frame) {
  if (record != nullptr) {
    note(step::raw, {static_cast<unsigned>(frame.size()) & 0xff, static_cast<unsigned>(frame.size()) >> 8});
    (*record)[record->size() - 3] |= std::byte{no_turn};
    record->insert(record->end(), frame.begin(), frame.end());
  }
  w.deliver(std::move(frame));
}

void player::take(step s, reader& in) {
  switch (s) {
    case step::pass: return pass(in.u8());
    case step::turn: return turn(in.u8());
    case step::deadline:
      for (unsigned n = 1 + in.u8() % 16u; n != 0 && deadline(); --n) {
      }
      return;
    case step::call: {
      const std::uint8_t what = in.u8(), who = in.u8();
      return tell(what, who, in.u16());
    }
    case step::nic: return misbehave(in.u8());
    case step::raw:
    case step::mended: {
      const bytes frame = in.take(in.u16() % 2048u);
      octets copy(frame.begin(), frame.end());
      if (s == step::mended) mend(copy, w.link_header);
      return deliver(std::move(copy));
    }
    default: return;
  }
}

void stack_input(bytes input) {
  reader in(input);
  const auto w = world::make(setting::from(in.u8()));
  player p{*w};
  for (unsigned n = 0; n < most_steps && !in.empty(); ++n) {
    const std::uint8_t what = in.u8();
    const step s = static_cast<step>((what & 31) % plain_steps);
    p.take(s, in);
    if ((s == step::raw || s == step::mended) && (what & no_turn) == 0) p.turn(64);
    (void)w->take_sent();
  }
  w->finish();
}

}  // namespace strata::fuzz
