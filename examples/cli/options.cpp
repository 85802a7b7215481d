// SPDX-License-Identifier: MIT
// The one unit with exceptions: CLI11 reports by them. It runs before any packet does and is not optimised.
#include <cli/options.hpp>

#include <CLI/CLI.hpp>

#include <cstdio>
#include <map>

namespace example {
namespace {

/// Options as text, before they become values.
struct nic_text {
  std::string nic = "tap", config = "server", address, address6, gateway, mac, xdp_mode = "auto", zero_copy = "auto", stats_socket;
  unsigned queue = 0;
};

[[noreturn]] void wrong(const std::string& what) { throw CLI::ValidationError(what); }
[[noreturn]] void not_yet(const std::string& what, const std::string& instead) { throw CLI::ValidationError(what + " is not yet there (options)\n" + instead); }

strata::ipv4_address address_of(const std::string& option, const std::string& text) {
  const auto a = strata::parse_address(text.data(), text.size());
  if (!a || !a->is_v4()) wrong(option + " is no IPv4 address: " + text);
  return a->v4();
}

void add_nic_options(CLI::App& app, nic_options& o, nic_text& t) {
  app.add_option("--nic", t.nic, "tap or tun; af_xdp and af_packet are not yet there")->check(CLI::IsMember({"tap", "tun", "af_xdp", "af_packet"}))->capture_default_str();
  app.add_option("--interface", o.interface, "the interface to attach to, or to make")->capture_default_str();
  app.add_option("--address", t.address, "strata's address and prefix, as in 10.9.0.2/24")->required();
  app.add_option("--address6", t.address6, "not yet there");
  app.add_option("--gateway", t.gateway, "next hop of the default route");
  app.add_option("--mac", t.mac, "strata's MAC; by default locally administered, from the seed and the interface's name");
  app.add_option("--mtu", o.mtu, "bytes of IP packet; by default the interface's")->check(CLI::Range(68, 65535));
  app.add_option("--queue", t.queue, "of a NIC with several: not yet there");
  app.add_option("--xdp-mode", t.xdp_mode, "of AF_XDP: not yet there")->check(CLI::IsMember({"auto", "driver", "generic"}));
  app.add_option("--zero-copy", t.zero_copy, "of AF_XDP: not yet there")->check(CLI::IsMember({"auto", "require", "off"}));
  app.add_option("--config", t.config, "server, low_latency or embedded")->check(CLI::IsMember({"server", "low_latency", "embedded"}))->capture_default_str();
  app.add_option("--pcap", o.pcap, "writes every frame to this file");
  app.add_option("--seed", o.seed, "of the MAC")->capture_default_str();
  app.add_option("--for", o.seconds, "ends after so many seconds")->check(CLI::NonNegativeNumber);
  app.add_option("--stats-socket", t.stats_socket, "not yet there");
}

/// `only_server`: the program has one Config.
void finish_nic_options(nic_options& o, const nic_text& t, bool only_server) {
  if (t.nic == "af_xdp" || t.nic == "af_packet") not_yet("--nic " + t.nic, "use --nic tap or --nic tun");
  if (!t.address6.empty()) not_yet("--address6", "give --address");
  if (t.queue != 0) not_yet("--queue", "leave it out: tap and tun have one queue");
  if (t.xdp_mode != "auto") not_yet("--xdp-mode", "leave it out");
  if (t.zero_copy != "auto") not_yet("--zero-copy", "leave it out");
  if (!t.stats_socket.empty()) not_yet("--stats-socket", "leave it out");
  o.nic = t.nic == "tun" ? nic_kind::tun : nic_kind::tap;
  o.config = t.config == "embedded" ? config_kind::embedded : t.config == "low_latency" ? config_kind::low_latency : config_kind::server;
  if (o.config != config_kind::server && (only_server || o.nic != nic_kind::tap))
    not_yet("--config " + t.config + (only_server ? " of this program" : " on --nic " + t.nic), only_server ? "use --config server" : "use --nic tap");
  if (o.interface.empty() || o.interface.size() > 15) wrong("--interface is empty or longer than 15 bytes");

  const auto net = strata::parse_subnet(t.address.data(), t.address.size());
  if (!net || !net->address.is_v4()) wrong("--address is no IPv4 address with its prefix: " + t.address);
  o.address = {net->address.v4(), net->prefix};
  if (!t.gateway.empty()) o.gateway = address_of("--gateway", t.gateway);
  if (!t.mac.empty()) {
    const auto mac = strata::parse_mac(t.mac.data(), t.mac.size());
    if (!mac) wrong("--mac is no MAC address: " + t.mac);
    o.mac = *mac;
  }
}

/// Runs CLI11 and `finish`, and says how it ended.
template <class Finish> std::optional<int> parse(CLI::App& app, const char* name, int argc, char** argv, Finish&& finish) {
  app.name(name);
  try {
    app.parse(argc, argv);
    finish();
    return {};
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return 0;
  } catch (const std::exception& e) {
    std::string what = e.what(), remedy = "see --help";
    if (const auto line = what.find('\n'); line != std::string::npos) {
      if (what.find(" (options)\n") != std::string::npos) remedy = what.substr(line + 1);
      what.resize(line);
    }
    const std::string step = what.find("(options)") != std::string::npos ? "" : " (options)";
    std::fprintf(stderr, "%s: error: %s%s; %s\n", name, what.c_str(), step.c_str(), remedy.c_str());
    return 2;
  }
}

const std::map<std::string, format> formats{{"text", format::text}, {"jsonl", format::jsonl}};

}  // namespace

std::optional<int> read_options(int argc, char** argv, http_server_options& o) {
  CLI::App app{"Serves a folder over HTTP/1.1: GET and HEAD from --root; PUT and POST are read to the end, hashed, and stored under --upload."};
  nic_text t;
  unsigned cores = 1;
  add_nic_options(app, o, t);
  app.add_option("--root", o.root, "the folder to serve")->required();
  app.add_option("--upload", o.upload, "where PUT and POST are stored; without it they are hashed only");
  app.add_option("--port", o.port)->check(CLI::Range(1, 65535))->capture_default_str();
  app.add_option("--cores", cores, "more than one is not yet there")->check(CLI::PositiveNumber);
  app.add_option("--max-requests", o.max_requests, "ends after so many");
  app.add_option("--max-upload", o.max_upload_mib, "largest body, MiB")->capture_default_str();
  return parse(app, "http_server", argc, argv, [&] {
    finish_nic_options(o, t, false);
    if (cores != 1) not_yet("--cores " + std::to_string(cores), "start one process for each core");
  });
}

std::optional<int> read_options(int argc, char** argv, fetch_options& o) {
  CLI::App app{"Fetches http://A.B.C.D:PORT/PATH, or stores a file there with PUT, and prints what came and its SHA-256."};
  nic_text t;
  add_nic_options(app, o, t);
  app.add_option("url", o.url, "http://A.B.C.D:PORT/PATH")->required();
  app.add_option("--output", o.output, "where the body goes; - is standard output");
  app.add_option("--connections", o.connections, "how many at once, each the whole")->check(CLI::Range(1, 1000))->capture_default_str();
  app.add_option("--upload", o.upload, "PUT this file instead of GET");
  app.add_option("--timeout", o.timeout, "seconds without progress until it gives up")->check(CLI::PositiveNumber)->capture_default_str();
  return parse(app, "fetch", argc, argv, [&] {
    finish_nic_options(o, t, true);
    const std::string scheme = "http://";
    if (o.url.compare(0, scheme.size(), scheme) != 0) wrong("the URL does not begin with http://: " + o.url);
    const std::size_t slash = o.url.find('/', scheme.size());
    std::string host = o.url.substr(scheme.size(), slash == std::string::npos ? slash : slash - scheme.size());
    o.path = slash == std::string::npos ? "/" : o.url.substr(slash);
    o.server.port = 80;
    if (const std::size_t colon = host.find(':'); colon != std::string::npos) {
      const std::string port = host.substr(colon + 1);
      if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos || std::stoul(port) == 0 || std::stoul(port) > 65535)
        wrong("the URL's port is no port: " + o.url);
      o.server.port = static_cast<strata::u16>(std::stoul(port));
      host.resize(colon);
    }
    o.server.address = address_of("the URL's host", host);
    for (const char c : o.path)
      if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) wrong("the URL has a byte that must be written as %XX");
    if (!o.output.empty() && o.connections > 1) wrong("--output takes one connection");
  });
}

std::optional<int> read_options(int argc, char** argv, echo_options& o) {
  CLI::App app{"Sends back what comes to a port, TCP and UDP."};
  nic_text t;
  bool tcp = false, udp = false;
  add_nic_options(app, o, t);
  app.add_option("--port", o.port)->check(CLI::Range(1, 65535))->capture_default_str();
  app.add_flag("--tcp", tcp, "only TCP, unless --udp stands beside it");
  app.add_flag("--udp", udp, "only UDP, unless --tcp stands beside it");
  return parse(app, "echo", argc, argv, [&] {
    finish_nic_options(o, t, true);
    if (tcp || udp) o.tcp = tcp, o.udp = udp;
  });
}

std::optional<int> read_options(int argc, char** argv, journey_options& o) {
  CLI::App app{"Sends a text from one stack to another and prints every step of the way, with the Linux kernel's name for it."};
  const std::map<std::string, way> ways{{"down", way::down}, {"up", way::up}, {"both", way::both}};
  app.add_option("--text", o.text, "what is sent")->capture_default_str();
  app.add_option("--way", o.way, "down, up or both")->transform(CLI::CheckedTransformer(ways));
  app.add_option("--format", o.format, "text or jsonl")->transform(CLI::CheckedTransformer(formats));
  app.add_option("--pcap", o.pcap, "writes the frames to this file");
  app.add_option("--seed", o.seed, "the same seed, the same journey")->capture_default_str();
  app.add_flag("--list", o.list, "prints the steps that there are, and sends nothing");
  app.add_option("--without", o.without, "leaves a step's rows out: its function or its kernel name");
  return parse(app, "journey", argc, argv, [&] {
    if (o.text.empty()) wrong("--text is empty");
    if (o.text.size() > 1 << 20) wrong("--text is longer than 1 MiB");
  });
}

std::optional<int> read_options(int argc, char** argv, swap_options& o) {
  CLI::App app{"Moves the same bytes over stacks whose Configs differ by one line, and prints what each costs."};
  app.add_option("--format", o.format, "text or jsonl")->transform(CLI::CheckedTransformer(formats));
  app.add_option("--bytes", o.bytes, "how many each moves")->check(CLI::Range(1, 1 << 28))->capture_default_str();
  app.add_option("--seed", o.seed, "of the bytes")->capture_default_str();
  return parse(app, "swap", argc, argv, [] {});
}

std::string text_of(strata::ipv4_address a) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += (shift == 24 ? "" : ".") + std::to_string(a.value >> shift & 255);
  return text;
}

}  // namespace example
