// SPDX-License-Identifier: MIT
// A NIC of somebody else is put under a stack by one line. This one is a pair of mailboxes: it copies frames, takes few at a time, and its doorbell can fail.
#include <two_stacks.hpp>

#include <catch2/catch_test_macros.hpp>

#include <string>

namespace my_nic {
using namespace strata;

struct mailbox {
  static constexpr u32 frames = 4;
  std::byte bytes[frames][1600]{};
  std::size_t length[frames]{};
  u32 in = 0, visible = 0, out = 0;  // counted up; what lies behind `visible` waits for the doorbell
};
struct mailboxes {
  mailbox box[2]{};
  nic::kick answer = nic::kick::done;  ///< what the doorbell of both says
};

class nic {
 public:
  static constexpr std::size_t ring_bytes = sizeof(mailbox);
  static constexpr strata::nic::capabilities may{};
  nic(mailboxes& m, u32 side) : mail_(&m), side_(side) {}

  std::size_t transmit(std::span<packet> batch) {
    mailbox& box = mail_->box[side_];
    std::size_t n = 0;
    for (; n < batch.size() && box.in - box.out < mailbox::frames; ++n, ++box.in) {
      box.length[box.in % mailbox::frames] = batch[n].size();
      copy_bytes(box.bytes[box.in % mailbox::frames], batch[n].bytes().data(), batch[n].size());
      batch[n].reset();
    }
    return n;
  }
  std::size_t receive(buffer::pool& chunks, std::span<packet> batch) {
    mailbox& box = mail_->box[1 - side_];
    std::size_t n = 0;
    for (; n < batch.size() && box.out != box.visible; ++n, ++box.out) {
      batch[n] = chunks.take_receive(2);
      if (!batch[n]) break;
      const std::size_t length = box.length[box.out % mailbox::frames];
      copy_bytes(batch[n]->chunk + 2, box.bytes[box.out % mailbox::frames], length);
      batch[n]->length = static_cast<u16>(length);
    }
    return n;
  }
  std::size_t reclaim(std::span<packet>) { return 0; }
  strata::nic::kick flush() {
    if (mail_->answer != strata::nic::kick::done) return mail_->answer;
    mail_->box[side_].visible = mail_->box[side_].in;
    return strata::nic::kick::done;
  }
  [[nodiscard]] u16 mtu() const { return 1500; }
  [[nodiscard]] mac_address address() const { return {}; }  // the stack makes one up
  [[nodiscard]] strata::nic::capabilities has() const { return {}; }

 private:
  mailboxes* mail_;
  u32 side_;
};

struct config : presets::testing {
  using nic = my_nic::nic;  // the line
};
struct queued : config {
  using qdisc = strata::qdisc::fifo_of<3>;
};
}  // namespace my_nic

namespace {

using namespace strata;
using namespace strata::test;

template <class C> struct office {
  using net = stack<C>;
  my_nic::mailboxes mail{};
  alignas(64) std::byte memory[2][256 * 2048]{};
  net a{}, b{};
  u64 ms = 1;
  office() {
    start_a();
    (void)b.start({.nic = {mail, 1}, .memory = memory[1], .entropy = {2}, .address = "10.0.0.2/24"_net});
  }
  void start_a() { (void)a.start({.nic = {mail, 0}, .memory = memory[0], .entropy = {1}, .address = "10.0.0.1/24"_net}); }
  void turn(auto&& ha, auto&& hb) {
    (void)a.poll({ms * 1'000'000}, budget{64}, ha);
    (void)b.poll({ms * 1'000'000}, budget{64}, hb);
  }
  void turns(u32 n) {
    while (n-- > 0) turn(ignore_rest{}, ignore_rest{});
  }
};
using plain = office<my_nic::config>;
using net = plain::net;

TEST_CASE("a foreign NIC carries a stream through a ring of four frames") {
  auto t = std::make_unique<plain>();
  CHECK(!t->a.at_interface().mac().is_zero());
  CHECK(!(t->a.at_interface().mac() == t->b.at_interface().mac()));
  REQUIRE(t->b.listen({.port = 7}));
  const auto s = t->a.connect({.remote = {"10.0.0.2"_ip, 7}});
  REQUIRE(s);
  std::vector<std::byte> data(100'000);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i * 31);
  std::vector<std::byte> got;
  std::size_t given = 0;
  const auto feed = [&](net::stream to) {
    while (given < data.size()) {
      const auto n = to.send(std::span(data).subspan(given));
      if (!n) break;
      given += *n;
    }
    if (given == data.size()) (void)to.close();
  };
  u32 closed = 0;
  for (u32 i = 0; i < 4000 && closed < 2; ++i, t->ms += 5)
    t->turn(on{[&](net::connected e) { feed(e.stream); }, [&](net::writable e) { feed(e.stream); }, [&](net::closed) { ++closed; }, ignore_rest{}},
            on{[&](net::readable e) {
                 for (const auto part : e.stream.peek()) got.insert(got.end(), part.begin(), part.end());
                 (void)e.stream.consume(e.stream.peek().size());
               },
               [&](net::peer_closed e) { (void)e.stream.close(); }, [&](net::closed) { ++closed; }, ignore_rest{}});
  CHECK(got == data);
  CHECK(closed == 2);
  CHECK(t->a.at_interface().counters().ring_full > 0);
  CHECK(t->a.chunks_in_use() == 0);
  CHECK(t->b.chunks_in_use() == 0);
}

TEST_CASE("a doorbell that fails is rung again later, with back-off") {
  auto t = std::make_unique<plain>();
  auto here = t->a.bind({.port = 1000});
  t->mail.answer = nic::kick::again;
  (void)here->send_to(bytes_of("x"), net::endpoint{"10.0.0.2"_ip, 7});
  (void)t->a.poll({1'000'000}, budget{64}, ignore_rest{});
  CHECK(t->a.at_interface().counters().kicks_again == 1);
  REQUIRE(t->a.next_deadline());
  CHECK(t->a.next_deadline()->count == 1'020'000);  // 20 us
  (void)t->a.poll({1'010'000}, budget{64}, ignore_rest{});
  CHECK(t->a.at_interface().counters().kicks_again == 1);
  (void)t->a.poll({1'020'000}, budget{64}, ignore_rest{});
  CHECK(t->a.at_interface().counters().kicks_again == 2);
  CHECK(t->a.next_deadline()->count == 1'060'000);
  t->mail.answer = nic::kick::done;
  (void)t->a.poll({1'060'000}, budget{64}, ignore_rest{});
  CHECK(t->mail.box[0].visible == 1);
}

TEST_CASE("a link that goes down is counted, is an error event, and moves the generation") {
  auto t = std::make_unique<plain>();
  auto here = t->a.bind({.port = 1000});
  t->mail.answer = nic::kick::link_down;
  const u32 generation = t->a.generation();
  (void)here->send_to(bytes_of("x"), net::endpoint{"10.0.0.2"_ip, 7});
  u32 downs = 0;
  const auto handler = on{[&](net::error e) {
    CHECK(e.kind == event::error_kind::link_down);
    CHECK(e.link == 0);
    ++downs;
  }, ignore_rest{}};
  (void)t->a.poll({1'000'000}, budget{64}, handler);
  (void)t->a.poll({2'000'000}, budget{64}, handler);
  CHECK(downs == 1);
  CHECK(t->a.at_interface().counters().link_downs == 1);
  CHECK(t->a.generation() != generation);
}

TEST_CASE("a stack that is started again does not tell of the link that it had before") {
  auto t = std::make_unique<plain>();
  auto here = t->a.bind({.port = 1000});
  t->mail.answer = nic::kick::link_down;
  (void)here->send_to(bytes_of("x"), net::endpoint{"10.0.0.2"_ip, 7});
  u32 downs = 0;
  const auto handler = on{[&](net::error) { ++downs; }, ignore_rest{}};
  (void)t->a.poll({1'000'000}, budget{64}, handler);
  CHECK(t->a.at_interface().counters().link_downs == 1);
  CHECK(downs == 0);  // it is news of the next turn
  t->a.shut_down();
  t->mail.answer = nic::kick::done;
  t->start_a();
  (void)t->a.poll({2'000'000}, budget{64}, handler);
  CHECK(downs == 0);
}

TEST_CASE("a queue keeps what the ring does not take, in order, and drops what is beyond it") {
  auto t = std::make_unique<office<my_nic::queued>>();
  using queued = stack<my_nic::queued>;
  auto here = t->a.bind({.port = 1000});
  auto there = t->b.bind({.port = 7});
  const queued::endpoint to{"10.0.0.2"_ip, 7};
  (void)here->send_to(bytes_of("first"), to);
  t->turns(3);
  std::byte room[8];
  (void)there->receive(room);
  u32 taken = 0;
  for (char c = 'a'; c < 'k'; ++c) taken += here->send_to(std::as_bytes(std::span(&c, 1)), to) ? 1u : 0u;
  CHECK(taken == 8);  // four in the ring, one waits in front of it, three in the queue
  CHECK(t->a.at_interface().counters().queue_dropped == 2);
  CHECK(!t->a.idle());
  std::string got;
  for (u32 i = 0; i < 6; ++i) {
    t->turns(1);
    while (const auto r = there->receive(room)) got += text_of(std::span(room).first(r->bytes));
  }
  CHECK(got == "abcdefgh");
  CHECK(t->a.idle());
  CHECK(t->a.chunks_in_use() == 0);
}

}  // namespace
