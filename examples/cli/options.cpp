// SPDX-License-Identifier: MIT
// The one unit with exceptions: CLI11 reports by them. It runs before any packet does and is not optimised.
#include <cli/options.hpp>
#include <cli/text.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace example {
namespace {

/// Options as text, before they become values.
struct nic_text {
  std::string nic = "tap", config = "server", address, address6, gateway, mac, xdp_mode = "auto", zero_copy = "auto", checksum = "verify";
  std::optional<double> seconds;
  unsigned queue = 0;
};

[[noreturn]] void wrong(const std::string& what) { throw CLI::ValidationError(what); }
[[noreturn]] void not_yet(const std::string& what, const std::string& instead) { throw CLI::ValidationError(what + " is not yet there (options)\n" + instead); }

/// Decimal digits and nothing else. CLI11 by itself takes "" for 0, "0x50" and " 80" for 80, and -1 for the largest number that there is.
CLI::Validator whole(strata::u64 least, strata::u64 most) {
  const std::string range = std::to_string(least) + ".." + std::to_string(most);
  return {[=](std::string& text) {
            strata::u64 n = 0;
            bool is_good = !text.empty();
            for (const char c : text) {
              const strata::u64 digit = static_cast<strata::u64>(c - '0');
              is_good = is_good && c >= '0' && c <= '9' && n <= (most - digit) / 10;
              if (is_good) n = n * 10 + digit;
            }
            if (!is_good || n < least || n > most) return "\"" + text + "\" is no whole number of " + range;
            text = std::to_string(n);
            return std::string();
          },
          range};
}
constexpr strata::u64 any = ~strata::u64{0};

/// A decimal number from `least` to `most`, perhaps with a fraction: no infinity, no exponent.
CLI::Validator decimal(double least, double most, const char* unit) {
  const std::string limit = std::to_string(static_cast<strata::u64>(most));
  return {[=](std::string& text) {
            const bool is_number = !text.empty() && text.size() < 32 && text.find_first_not_of("0123456789.") == std::string::npos && text.find_first_of("0123456789") != std::string::npos &&
                                   text.find('.') == text.rfind('.');
            const double n = is_number ? std::strtod(text.c_str(), nullptr) : 0;
            return is_number && n >= least && n <= most ? std::string() : "\"" + text + "\" is no number of " + unit + " up to " + limit;
          },
          unit};
}
CLI::Validator seconds(double least, strata::u64 most) { return decimal(least, static_cast<double>(most), "seconds"); }
CLI::Validator filled() {
  return {[](std::string& text) { return std::string(text.empty() ? "the value is empty" : ""); }, ""};
}
/// Records go to standard output, and a capture between them could not be read.
CLI::Validator a_file() {
  return {[](std::string& text) { return std::string(text.empty() ? "the value is empty" : text == "-" ? "standard output is for the records" : ""); }, ""};
}

/// As the kernel's dev_valid_name(); `%` would make it count.
bool is_interface_name(const std::string& name) {
  if (name.empty() || name.size() > 15 || name == "." || name == "..") return false;
  for (const char c : name)
    if (static_cast<unsigned char>(c) <= ' ' || c == '/' || c == ':' || c == '%' || c == 0x7f) return false;
  return true;
}
/// An address that one host may have on a link with this prefix (RFC 1122 §3.2.1.3).
bool is_a_hosts(strata::ipv4_address a, unsigned prefix) {
  const strata::u32 host = prefix >= 31 ? 0 : ~strata::u32{0} >> prefix;
  return a.value >> 24 != 0 && a.value >> 24 != 127 && a.value >> 28 < 14 && (host == 0 || ((a.value & host) != 0 && (a.value & host) != host));
}

strata::ipv4_address address_of(const std::string& option, const std::string& text) {
  const auto a = strata::parse_address(text.data(), text.size());
  if (!a || !a->is_v4()) wrong(option + " is no IPv4 address: " + text);
  return a->v4();
}

void add_nic_options(CLI::App& app, nic_options& o, nic_text& t) {
  app.add_option("--nic", t.nic, "tap, tun, af_xdp or af_packet")->check(CLI::IsMember({"tap", "tun", "af_xdp", "af_packet"}))->capture_default_str();
  app.add_option("--interface", o.interface, "the interface to attach to; tap and tun make it if it is not there")->capture_default_str();
  app.add_option("--address", t.address, "strata's address and prefix, as in 10.9.0.2/24")->required();
  app.add_option("--address6", t.address6, "not yet there")->check(filled());
  app.add_option("--gateway", t.gateway, "next hop of the default route")->check(filled());
  app.add_option("--mac", t.mac, "strata's MAC; by default locally administered, from the seed and the interface's name, and on af_xdp the interface's own")->check(filled());
  app.add_option("--mtu", o.mtu, "bytes of IP packet; by default the interface's")->check(whole(68, 65535));
  app.add_flag("--vnet", o.vnet, "of tap and tun: checksums may be missing, and up to 64 KB of a connection go and come as one frame (IFF_VNET_HDR)");
  app.add_option("--queue", t.queue, "the receive queue of af_xdp")->check(whole(0, 65535));
  app.add_option("--xdp-mode", t.xdp_mode, "of af_xdp: where its program runs; auto tries the driver first")->check(CLI::IsMember({"auto", "driver", "generic"}))->capture_default_str();
  app.add_option("--zero-copy", t.zero_copy, "of af_xdp: whether the NIC itself reads and writes strata's memory")->check(CLI::IsMember({"auto", "require", "off"}))->capture_default_str();
  app.add_option("--receive-checksum", t.checksum, "verify; accept_partial: also what another kernel on this machine left to a NIC; trust: what the kernel vouches for")
      ->check(CLI::IsMember({"verify", "accept_partial", "trust"}))
      ->capture_default_str();
  app.add_option("--config", t.config, "server, low_latency or embedded")->check(CLI::IsMember({"server", "low_latency", "embedded"}))->capture_default_str();
  app.add_option("--pcap", o.pcap, "writes every frame to this file")->check(a_file());
  app.add_option("--seed", o.seed, "of the MAC")->check(whole(0, any))->capture_default_str();
  app.add_option("--for", t.seconds, "ends after so many seconds")->check(seconds(0, 1'000'000'000));
  app.add_option("--stats-socket", o.stats_socket, "a unix socket that tells its readers each second how connections, layers and drops are: see top")->check(a_file());
}

/// `only_server`: the program has one Config.
void finish_nic_options(nic_options& o, const nic_text& t, bool only_server) {
  if (!t.address6.empty()) not_yet("--address6", "give --address");
  if (t.nic != "af_xdp")
    for (const auto& [option, is_given] : {std::pair("--queue", t.queue != 0), std::pair("--xdp-mode", t.xdp_mode != "auto"), std::pair("--zero-copy", t.zero_copy != "auto")})
      if (is_given) wrong(std::string(option) + " is an option of --nic af_xdp, not of --nic " + t.nic);
  if (o.vnet && t.nic != "tap" && t.nic != "tun") wrong("--vnet is an option of --nic tap and tun, not of --nic " + t.nic);
  o.nic = t.nic == "tun" ? nic_kind::tun : t.nic == "af_packet" ? nic_kind::af_packet : t.nic == "af_xdp" ? nic_kind::af_xdp : nic_kind::tap;
  o.queue = t.queue;
  o.xdp_mode = t.xdp_mode == "driver" ? xdp_kind::driver : t.xdp_mode == "generic" ? xdp_kind::generic : xdp_kind::automatic;
  o.zero_copy = t.zero_copy == "require" ? zero_copy_kind::require : t.zero_copy == "off" ? zero_copy_kind::off : zero_copy_kind::automatic;
  using strata::nic::receive_checksum;
  o.checksum = t.checksum == "trust" ? receive_checksum::trust : t.checksum == "accept_partial" ? receive_checksum::accept_partial : receive_checksum::verify;
  o.config = t.config == "embedded" ? config_kind::embedded : t.config == "low_latency" ? config_kind::low_latency : config_kind::server;
  if (o.config != config_kind::server && (only_server || o.nic != nic_kind::tap))
    not_yet("--config " + t.config + (only_server ? " of this program" : " on --nic " + t.nic), only_server ? "use --config server" : "use --nic tap");
  if (!is_interface_name(o.interface)) wrong("--interface is no name of 1 to 15 bytes that an interface may have: " + o.interface);

  const auto net = strata::parse_subnet(t.address.data(), t.address.size());
  if (!net || !net->address.is_v4() || t.address.find('/') == std::string::npos) wrong("--address is no IPv4 address with its prefix: " + t.address);
  o.address = {net->address.v4(), net->prefix};
  if (!is_a_hosts(o.address.address, o.address.prefix)) wrong("--address cannot be a host's: " + t.address);
  if (!t.gateway.empty()) {
    o.gateway = address_of("--gateway", t.gateway);
    if (!is_a_hosts(o.gateway, 32)) wrong("--gateway cannot be a host's: " + t.gateway);
  }
  if (!t.mac.empty()) {
    const auto mac = strata::parse_mac(t.mac.data(), t.mac.size());
    if (!mac || mac->is_zero()) wrong("--mac is no MAC address: " + t.mac);
    o.mac = *mac;
  }
  if (t.seconds) {
    o.for_ns = static_cast<strata::u64>(*t.seconds * 1e9);
    if (o.for_ns == 0) o.for_ns = 1;
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
    std::fprintf(stderr, "%s: error: %s%s; %s\n", name, one_line(what).c_str(), step.c_str(), one_line(remedy).c_str());
    return 2;
  }
}

void add_format(CLI::App& app, std::string& text) { app.add_option("--format", text, "text or jsonl")->check(CLI::IsMember({"text", "jsonl"}))->capture_default_str(); }
format format_of(const std::string& text) { return text == "jsonl" ? format::jsonl : format::text; }

}  // namespace

std::optional<int> read_options(int argc, char** argv, http_server_options& o) {
  CLI::App app{"Serves a folder over HTTP/1.1: GET and HEAD from --root; PUT and POST are read to the end, hashed, and stored under --upload."};
  nic_text t;
  add_nic_options(app, o, t);
  app.add_option("--root", o.root, "the folder to serve")->required();
  app.add_option("--upload", o.upload, "where PUT and POST are stored; without it they are hashed only")->check(filled());
  app.add_option("--port", o.port)->check(whole(1, 65535))->capture_default_str();
  app.add_option("--cores", o.cores, "a stack on each, with a queue of tap or af_xdp each; --pcap and --stats-socket of the further ones end in .1, .2, ...")->check(whole(1, 8))->capture_default_str();
  app.add_option("--max-requests", o.max_requests, "ends after so many; 0: never")->check(whole(0, any));
  app.add_option("--max-upload", o.max_upload_mib, "largest body, MiB")->check(whole(0, 1 << 30))->capture_default_str();
  return parse(app, "http_server", argc, argv, [&] {
    finish_nic_options(o, t, false);
    if (o.cores == 1) return;
    if (o.nic != nic_kind::tap && o.nic != nic_kind::af_xdp) not_yet("--cores " + std::to_string(o.cores) + " on --nic " + t.nic, "use --nic tap or af_xdp");
    if (o.config != config_kind::server) not_yet("--cores " + std::to_string(o.cores) + " of --config " + t.config, "use --config server");
  });
}

std::optional<int> read_options(int argc, char** argv, fetch_options& o) {
  CLI::App app{"Fetches http://A.B.C.D:PORT/PATH, or stores a file there with PUT, and prints what came and its SHA-256."};
  nic_text t;
  add_nic_options(app, o, t);
  app.add_option("url", o.url, "http://A.B.C.D:PORT/PATH")->required();
  app.add_option("--output", o.output, "where the answer's body goes; - is standard output")->check(filled());
  app.add_option("--connections", o.connections, "how many at once, each the whole")->check(whole(1, 1000))->capture_default_str();
  app.add_option("--upload", o.upload, "PUT this file instead of GET")->check(filled());
  app.add_option("--timeout", o.timeout, "seconds without progress until it gives up")->check(seconds(0.001, 86400))->capture_default_str();
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
  app.add_option("--port", o.port)->check(whole(1, 65535))->capture_default_str();
  app.add_flag("--tcp", tcp, "only TCP, unless --udp stands beside it");
  app.add_flag("--udp", udp, "only UDP, unless --tcp stands beside it");
  app.add_flag("--gro", o.gro, "of tap and tun: datagrams of one peer and size that come behind one header are read as one view (UDP_GRO)");
  return parse(app, "echo", argc, argv, [&] {
    finish_nic_options(o, t, true);
    if (tcp || udp) o.tcp = tcp, o.udp = udp;
    if (o.gro && t.nic != "tap" && t.nic != "tun") wrong("--gro is an option of --nic tap and tun, not of --nic " + t.nic);
  });
}

std::optional<int> read_options(int argc, char** argv, journey_options& o) {
  CLI::App app{"Sends a text from one stack to another and prints every step of the way, with the Linux kernel's name for it."};
  std::string which = "both", kind = "text";
  app.add_option("--text", o.text, "what is sent")->capture_default_str();
  app.add_option("--way", which, "down, up or both")->check(CLI::IsMember({"down", "up", "both"}))->capture_default_str();
  add_format(app, kind);
  app.add_option("--pcap", o.pcap, "writes the frames to this file")->check(a_file());
  app.add_option("--seed", o.seed, "the same seed, the same journey")->check(whole(0, any))->capture_default_str();
  app.add_flag("--list", o.list, "prints the steps that there are, and sends nothing");
  app.add_option("--without", o.without, "leaves a step's rows out: its function or its kernel name")->check(filled());
  return parse(app, "journey", argc, argv, [&] {
    o.way = which == "down" ? way::down : which == "up" ? way::up : way::both;
    o.format = format_of(kind);
    if (o.text.empty()) wrong("--text is empty");
    if (o.text.size() > 1 << 20) wrong("--text is longer than 1 MiB");
  });
}

std::optional<int> read_options(int argc, char** argv, top_options& o) {
  CLI::App app{"Shows what a program says on its --stats-socket, each second: connections, what the layers count, and what was dropped why."};
  std::string text = "text";
  app.add_option("PATH", o.path, "the socket")->required()->check(filled());
  app.add_flag("--once", o.once, "ends after the first time");
  add_format(app, text);
  return parse(app, "top", argc, argv, [&] { o.format = format_of(text); });
}

std::optional<int> read_options(int argc, char** argv, swap_options& o) {
  CLI::App app{"Moves the same bytes over stacks whose Configs differ by one line, and prints what each costs."};
  std::string kind = "text";
  add_format(app, kind);
  app.add_option("--bytes", o.bytes, "how many each moves")->check(whole(1, 1 << 28))->capture_default_str();
  app.add_option("--seed", o.seed, "of the bytes")->check(whole(0, any))->capture_default_str();
  return parse(app, "swap", argc, argv, [&] { o.format = format_of(kind); });
}

std::optional<int> read_options(int argc, char** argv, relay_options& o) {
  CLI::App app{"A bridge between two interfaces that delays, loses, reorders, doubles and corrupts frames on purpose, both ways alike.\n\n"
               "A and B are names of interfaces. A TAP that nobody is attached to, or that is not there yet, is attached to, and relay is on its far side, as another\n"
               "host would be. An interface whose far side another program has (strata, on its TAP), or that is no TAP, is attached to on the kernel's side, by a\n"
               "packet socket: what that program sends comes here, what is sent here reaches it. tap:NAME and packet:NAME ask for one of the two. Start strata\n"
               "first, or say packet:NAME. The kernel must stay silent on an interface that is attached to on its side: no address there, `ip link set NAME arp off`,\n"
               "and sysctl net.ipv6.conf.NAME.disable_ipv6=1; one that offloads checksums (veth) needs `ethtool -K NAME tx off`.\n"};
  std::string drop_a, drop_b;
  double delay = 0, jitter = 0, reorder_by = 3, loss = 0, reorder = 0, duplicate = 0, corrupt = 0;
  std::optional<double> for_seconds;
  const auto ms = decimal(0, 60000, "milliseconds"), per_cent = decimal(0, 100, "per cent");
  app.add_option("A", o.a, "an interface: NAME, tap:NAME or packet:NAME")->required();
  app.add_option("B", o.b, "the other one")->required();
  app.add_option("--delay", delay, "milliseconds, each way")->check(ms);
  app.add_option("--jitter", jitter, "up to so many milliseconds more, without reordering")->check(ms);
  app.add_option("--loss", loss, "per cent of frames that are lost")->check(per_cent);
  app.add_option("--reorder", reorder, "per cent of frames that others overtake")->check(per_cent);
  app.add_option("--reorder-by", reorder_by, "milliseconds that such a frame comes later")->check(ms)->capture_default_str();
  app.add_option("--duplicate", duplicate, "per cent of frames that come twice")->check(per_cent);
  app.add_option("--corrupt", corrupt, "per cent of IP packets in which one bit is flipped")->check(per_cent);
  app.add_option("--rate", o.rate, "bit/s each way; 0: no limit")->check(whole(0, 1'000'000'000'000));
  app.add_option("--queue", o.queue, "frames that may be on their way, each way; more are dropped")->check(whole(1, relay_options::most_frames))->capture_default_str();
  app.add_option("--drop-a", drop_a, "drops these data segments of the first TCP connection that sends any from A, by number from 1, counting only new ones,\n"
                                     "as in 20,21,20: a number that stands there twice is dropped again when it is sent again")->check(filled());
  app.add_option("--drop-b", drop_b, "the same from B")->check(filled());
  app.add_option("--seed", o.seed, "the same arrivals and the same seed: the same fate")->check(whole(0, any))->capture_default_str();
  app.add_option("--for", for_seconds, "ends after so many seconds")->check(seconds(0, 1'000'000'000));
  return parse(app, "relay", argc, argv, [&] {
    for (auto [name, kind] : {std::pair(&o.a, &o.a_kind), std::pair(&o.b, &o.b_kind)}) {
      if (name->rfind("tap:", 0) == 0) *kind = side_kind::tap, name->erase(0, 4);
      else if (name->rfind("packet:", 0) == 0) *kind = side_kind::packet, name->erase(0, 7);
      if (!is_interface_name(*name)) wrong("this is no name of 1 to 15 bytes that an interface may have: " + *name);
    }
    if (o.a == o.b) wrong("A and B are the same interface: " + o.a);
    for (auto [text, list] : {std::pair(&drop_a, &o.drop_a), std::pair(&drop_b, &o.drop_b)})
      for (std::size_t at = 0; at < text->size();) {
        const std::size_t end = std::min(text->find(',', at), text->size());
        std::string number = text->substr(at, end - at);
        if (const std::string fault = whole(1, 0xffff'ffff)(number); !fault.empty()) wrong("a list of segments is 3,7,8: " + *text);
        list->push_back(static_cast<strata::u32>(std::stoul(number)));
        at = end + 1;
        if (end + 1 == text->size()) wrong("a list of segments is 3,7,8: " + *text);
      }
    const auto ns = [](double t) { return static_cast<strata::u64>(t * 1e6 + 0.5); };
    const auto ppm = [](double p) { return static_cast<strata::u32>(p * 1e4 + 0.5); };
    o.delay_ns = ns(delay), o.jitter_ns = ns(jitter), o.reorder_ns = ns(reorder_by);
    o.loss = ppm(loss), o.reorder = ppm(reorder), o.duplicate = ppm(duplicate), o.corrupt = ppm(corrupt);
    if (for_seconds) o.for_ns = std::max(strata::u64{1}, static_cast<strata::u64>(*for_seconds * 1e9));
  });
}

std::optional<int> read_options(int argc, char** argv, route_options& o) {
  CLI::App app{"A router and firewall between two interfaces: IPv4 packets go on to their next hop, a hop older, in fragments where they must be; who sent what cannot is\n"
               "told by ICMP.\n\n"
               "The file says, a line each (# begins a comment):\n"
               "  nic tap | af_packet | af_xdp [driver | generic]\n"
               "                                          what both interfaces are attached to by; tap if there is no such line\n"
               "  interface NAME A.B.C.D/N [mtu N]        the first is 0, the second 1\n"
               "  address 0|1 A.B.C.D/N                   one more address of an interface\n"
               "  route A.B.C.D/N via A.B.C.D\n"
               "  accept|drop [tcp|udp|icmp|N] [from NET [port P[-Q]]] [to NET [port P[-Q]]] [syn] [in 0|1] [out 0|1]\n"
               "Of the rules the first that matches decides, for what comes to the router and what goes through it; what none matches is accepted.\n"};
  std::optional<double> for_seconds;
  app.add_option("--config", o.config, "the file")->required()->check(filled());
  app.add_option("--seed", o.seed, "of the MACs")->check(whole(0, any))->capture_default_str();
  app.add_option("--for", for_seconds, "ends after so many seconds")->check(seconds(0, 1'000'000'000));
  return parse(app, "route", argc, argv, [&] {
    if (for_seconds) o.for_ns = std::max(strata::u64{1}, static_cast<strata::u64>(*for_seconds * 1e9));
  });
}

}  // namespace example
