// SPDX-License-Identifier: MIT
// The same bytes over stacks that differ by one line of their Config: what each line costs in memory and machine code, and that the bytes are the same.
#include <cli/options.hpp>
#include <cli/text.hpp>
#include <http/sha256.hpp>
#include <swap/table.hpp>

#include <cstdio>
#include <vector>

int main(int argc, char** argv) {
  example::swap_options o;
  if (const auto code = example::read_options(argc, argv, o)) return *code;
  std::vector<std::byte> data(o.bytes);
  strata::entropy::seeded random{o.seed};
  for (std::byte& b : data) b = static_cast<std::byte>(random.next());
  example::sha256 hash;
  hash.add(data);
  const std::string wanted = hash.finish();

  std::size_t equal = 0;
  const auto configs = example::swap::table();
  for (const auto& config : configs) {
    const auto r = config.run(data, {[](void* self, std::span<const std::byte> part) { static_cast<example::sha256*>(self)->add(part); }, &hash});
    const std::string got = hash.finish();
    equal += r.delivered == data.size() && got == wanted ? 1u : 0u;
    const std::string changed = example::quoted(r.changed);
    if (o.format == example::format::jsonl)
      std::printf("{\"config\":\"%s\",\"changed\":%s,\"stack_bytes\":%zu,\"tcb_bytes\":%zu,\"text_bytes\":%zu,\"delivered\":%zu,\"sha256\":\"%s\"}\n", config.name, changed.c_str(),
                  r.stack_bytes, r.tcb_bytes, config.text_bytes, r.delivered, got.c_str());
    else
      std::printf("config=%s changed=%s stack_bytes=%zu tcb_bytes=%zu text_bytes=%zu delivered=%zu sha256=%s\n", config.name, changed.c_str(), r.stack_bytes, r.tcb_bytes,
                  config.text_bytes, r.delivered, got.c_str());
  }
  if (equal != configs.size()) {
    std::fprintf(stderr, "swap: error: %zu of %zu Configs did not deliver the same bytes (sha256); report it\n", configs.size() - equal, configs.size());
    std::printf("swap configs=%zu delivered=%zu\n", configs.size(), equal);
    return 1;
  }
  std::printf("swap configs=%zu delivered=all\n", configs.size());
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    std::fprintf(stderr, "swap: error: the records could not be written (write); is there room?\n");
    return 1;
  }
  return 0;
}
